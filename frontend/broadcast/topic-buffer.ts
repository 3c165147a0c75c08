/**
 * A buffer: what moves in a channel. Events wait here for the next batch (`PendingEvents`); batches stay
 * here for a while, for connections that fell behind. Most topics have no event for hours and have no
 * buffer: it goes with its last batch where nothing but that was in it, and otherwise when the topic has
 * been quiet for a while (`idle-release.ts`).
 */

import {
  type Event,
  GAP_TYPE,
  isDurable,
  type KindPolicy,
  mergeEvents,
  type PendingCounts,
  PendingEvents,
  type PendingOptions,
  parseGap,
  raiseTotals,
  type TopicPosition,
  typePolicyIn,
} from "@ovation/protocol";
import {
  PENDING_DURABLE_BYTES_MAX,
  PENDING_DURABLE_EVENTS_MAX,
  PENDING_LIVE_BYTES_MAX,
  PENDING_LIVE_EVENTS_MAX,
} from "../limits.ts";
import type { Batch, BatchRing } from "./batch.ts";
import type { HeldEvents } from "./held-events.ts";
import type { History } from "./history.ts";

/** What all topics of a kind share. */
export interface ChannelKind {
  readonly policy: KindPolicy;
  readonly pending: PendingOptions;
}

/** One object for each kind, which all its topics share. */
export class ChannelKinds {
  readonly #counts: PendingCounts;
  readonly #kinds = new Map<KindPolicy, ChannelKind>();

  constructor(counts: PendingCounts) {
    this.#counts = counts;
  }

  of(policy: KindPolicy): ChannelKind {
    const known = this.#kinds.get(policy);
    if (known !== undefined) return known;
    const kind = createChannelKind(policy, this.#counts);
    this.#kinds.set(policy, kind);
    return kind;
  }
}

function createChannelKind(policy: KindPolicy, counts: PendingCounts): ChannelKind {
  return {
    policy,
    pending: {
      rules(event) {
        const type = typePolicyIn(policy, event.type);
        return isDurable(event) || type.merge === undefined ? undefined : type;
      },
      bounds: {
        live: { eventsMax: PENDING_LIVE_EVENTS_MAX, bytesMax: PENDING_LIVE_BYTES_MAX },
        durable: { eventsMax: PENDING_DURABLE_EVENTS_MAX, bytesMax: PENDING_DURABLE_BYTES_MAX },
        lossTopicsMax: 1,
      },
      counts,
      paced: true,
    },
  };
}

const NOTHING: readonly never[] = [];

export class TopicBuffer {
  /** A round is under way. */
  walking = 0;
  /** Stopwatch before which no round begins: a busy topic. */
  restUntil = 0;
  /** Some were passed by in the last round before its last batch was made. */
  behind = false;
  /** Stopwatch of the tick that is arranged; infinity where none is. */
  scheduledFor = Number.POSITIVE_INFINITY;
  /** Live events so far that cannot be made up for: what a gap counts. */
  liveEvents = 0;
  /** Where the topic stood after the last batch. */
  batched: TopicPosition;
  /** Stopwatch of the last batch. */
  movedAt = Number.POSITIVE_INFINITY;
  ring: BatchRing | undefined;
  history: History | undefined;
  /** All that was ever written of each summed type, so that a viewer who fell behind gets the difference. */
  sums: Map<string, Event> | undefined;
  /** Ahead of a missing number. */
  held: HeldEvents | undefined;
  readonly #kind: ChannelKind;
  /**
   * Hot path: one event that does not merge waits without a buffer, which would be five objects more for
   * each event of a personal topic (`channel.bench.ts`). Alone it is within every bound.
   */
  #only: Event | undefined;
  #pending: PendingEvents | undefined;

  constructor(kind: ChannelKind, batched: TopicPosition) {
    this.#kind = kind;
    this.batched = batched;
  }

  /** The batch that the last round began with. */
  #roundFrom = 0;

  /** `first`: the number of the batch that it begins with, or, where nothing new waited, would have. */
  beginRound(first: number): void {
    this.walking++;
    this.behind = false;
    // Whoever was reached in the last round has at least what that began with: the ring keeps the rest for this one.
    if (this.ring !== undefined) this.ring.keepFrom = this.#roundFrom;
    this.#roundFrom = first;
  }

  endRound(behind: boolean, restUntil: number): void {
    this.walking--;
    this.behind = behind;
    this.restUntil = restUntil;
  }

  /** Nothing waits here, to be written or to be repaired. */
  get #isEmpty(): boolean {
    return (
      this.walking === 0 &&
      !this.behind &&
      this.#only === undefined &&
      (this.#pending?.size ?? 0) === 0 &&
      this.held === undefined
    );
  }

  /** Nothing is here but batches: once everybody has them, it is as if nothing had ever moved. */
  get isSpent(): boolean {
    return (
      this.#isEmpty &&
      this.history === undefined &&
      this.sums === undefined &&
      this.#pending === undefined
    );
  }

  /** Nothing has moved here since then. */
  isQuiet(since: number): boolean {
    return this.#isEmpty && this.movedAt < since;
  }

  /** `patienceMs`: how long one that merges may wait for another event to be written with. */
  wait(event: Event, now: number, patienceMs = 0): void {
    if (this.#pending === undefined) {
      const only = this.#only;
      if (only === undefined && this.#isPlain(event)) {
        this.#only = event;
        return;
      }
      this.#pending = new PendingEvents(this.#kind.pending);
      this.#only = undefined;
      if (only !== undefined) this.#pending.push(only, now);
    }
    this.#pending.push(event, now, patienceMs);
  }

  #isPlain(event: Event): boolean {
    return event.type !== GAP_TYPE && this.#kind.pending.rules(event) === undefined;
  }

  /** Whether the durable lane has no room for another event before the next batch. */
  get isDurableFull(): boolean {
    return this.#pending?.isDurableFull === true;
  }

  /** Whether something other than merged events waits for the next batch. */
  get isWaiting(): boolean {
    return this.#only !== undefined || this.#pending?.hasUnmerged === true;
  }

  /** Whether a batch could be made now. */
  hasDue(now: number): boolean {
    const due = this.#dueAt;
    return due !== undefined && due <= now;
  }

  /** Stopwatch at which the next round is due; `undefined` where there is nothing to write. */
  dueAt(): number | undefined {
    if (this.behind) return this.restUntil;
    const due = this.#dueAt;
    return due === undefined ? undefined : Math.max(due, this.restUntil);
  }

  get #dueAt(): number | undefined {
    return this.#only === undefined ? this.#pending?.dueAt : 0;
  }

  /** Everything that is due, and what may go with it. It is the caller's from now on. */
  takeDue(now: number): readonly Event[] {
    this.movedAt = now;
    const only = this.#only;
    if (only !== undefined) {
      this.#only = undefined;
      return [only];
    }
    const events = this.#pending?.take(undefined, undefined, now) ?? NOTHING;
    if (this.#pending?.isBlank === true) this.#pending = undefined;
    return events;
  }

  /**
   * A live event goes out: a gap counts it, or, where its type sums up, the sum has it. Answers the
   * event to write: a total never falls at a viewer, whatever order sums arrive in.
   */
  noteLive(event: Event): Event {
    if (event.type === GAP_TYPE) {
      this.liveEvents += parseGap(event.data)?.lost ?? 0;
      return event;
    }
    const policy = typePolicyIn(this.#kind.policy, event.type);
    if (policy.merge === undefined) this.liveEvents++;
    if (policy.merge !== "sum") return event;
    this.sums ??= new Map();
    const earlier = this.sums.get(event.type);
    this.sums.set(event.type, earlier === undefined ? event : mergeEvents(earlier, event, policy));
    return earlier === undefined ? event : raiseTotals(earlier, event);
  }

  /** Live events up to the broadcast `order`, or up to the oldest one that is known. */
  liveAt(order: number): number {
    return this.ring?.liveAt(order) ?? this.liveEvents;
  }

  /** The batch of this number, if it is still here. */
  batch(number: number): Batch | undefined {
    return this.ring?.get(number);
  }
}
