/**
 * A topic buffer: the changing part of a channel. Events wait here for the next batch
 * (`PendingEvents`), and batches stay for a while, for connections that are behind. Most topics
 * have no event for hours and no buffer: it is dropped with its last batch where it holds nothing
 * else, otherwise by idle release (`idle-release.ts`).
 */

import {
  type Event,
  GAP_TYPE,
  mergeEvents,
  PendingEvents,
  parseGap,
  raiseTotals,
  type TopicPosition,
  typePolicyIn,
} from "@ovation/protocol";
import type { Batch, BatchRing } from "./batch.ts";
import type { ChannelKind } from "./channel-kinds.ts";
import type { HeldEvents } from "./held-events.ts";
import type { History } from "./history.ts";

const NOTHING: readonly never[] = [];

export class TopicBuffer {
  /** Rounds in progress: 0 or 1. */
  walking = 0;
  /** By `elapsed`: no round begins before, because the topic is busy. */
  restUntil = 0;
  /** The last round made a batch after it had passed some connections. */
  behind = false;
  /** By `elapsed`: when the scheduled tick runs; infinity where none is scheduled. */
  scheduledFor = Number.POSITIVE_INFINITY;
  /** Live events so far that a connection cannot get later: what a gap counts. */
  liveEvents = 0;
  /** Where the topic stood after the last batch. */
  batched: TopicPosition;
  /** By `elapsed`: when the last batch was made. */
  movedAt = Number.POSITIVE_INFINITY;
  ring: BatchRing | undefined;
  history: History | undefined;
  /**
   * By summed type, the sum of all that was written: a connection that skips gets the difference.
   */
  sums: Map<string, Event> | undefined;
  /** Events after a missing sequence number. */
  held: HeldEvents | undefined;
  readonly #kind: ChannelKind;
  /**
   * Hot path: a single event that does not merge waits without `PendingEvents`, which would be five
   * more objects for each event of a personal topic (`channel.bench.ts`).
   */
  #only: Event | undefined;
  #pending: PendingEvents | undefined;

  constructor(kind: ChannelKind, batched: TopicPosition) {
    this.#kind = kind;
    this.batched = batched;
  }

  /** The number of the batch that the last round began with. */
  #roundFrom = 0;

  /** `first`: the number of the batch that it begins with; the next number where it made none. */
  beginRound(first: number): void {
    this.walking++;
    this.behind = false;
    // The last round gave every connection at least what it began with; the ring keeps the rest.
    if (this.ring !== undefined) this.ring.keepFrom = this.#roundFrom;
    this.#roundFrom = first;
  }

  endRound(behind: boolean, restUntil: number): void {
    this.walking--;
    this.behind = behind;
    this.restUntil = restUntil;
  }

  /** No event waits for a write or a repair. */
  get #isEmpty(): boolean {
    return (
      this.walking === 0 &&
      !this.behind &&
      this.#only === undefined &&
      (this.#pending?.size ?? 0) === 0 &&
      this.held === undefined
    );
  }

  /** Nothing but batches is left: once all connections have them, the buffer is not needed. */
  get isSpent(): boolean {
    return (
      this.#isEmpty &&
      this.history === undefined &&
      this.sums === undefined &&
      this.#pending === undefined
    );
  }

  /** No batch was made since then, and no event waits. */
  isQuiet(since: number): boolean {
    return this.#isEmpty && this.movedAt < since;
  }

  /** `patienceMs`: how long an event that merges may wait to share a batch with another one. */
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

  /** No further durable event is accepted before the next batch. */
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

  /** By `elapsed`: when the next round is due; `undefined` where there is nothing to write. */
  dueAt(): number | undefined {
    if (this.behind) return this.restUntil;
    const due = this.#dueAt;
    return due === undefined ? undefined : Math.max(due, this.restUntil);
  }

  get #dueAt(): number | undefined {
    return this.#only === undefined ? this.#pending?.dueAt : 0;
  }

  /** Removes and returns what is due, with what may share its batch. */
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
   * Counts a live event that is written, or adds it to the sum of its type. Returns the event to
   * write: totals never fall at a viewer, in whatever order sums arrive.
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

  /** Live events up to the broadcast `order`, or up to the oldest recorded one. */
  liveAt(order: number): number {
    return this.ring?.liveAt(order) ?? this.liveEvents;
  }

  /** `undefined` where the ring has evicted it. */
  batch(number: number): Batch | undefined {
    return this.ring?.get(number);
  }
}
