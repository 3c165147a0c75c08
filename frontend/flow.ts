/**
 * A flow: what moves in a channel. Events wait here for the next batch, those of a type that merges as
 * one; batches stay here for a while, for connections that fell behind. Most topics hear nothing for
 * hours and have none: a flow goes with its last batch where nothing but that was in it, and otherwise
 * when the topic has been quiet for a while (`cooling.ts`).
 */

import {
  type DurableEvent,
  type Event,
  isDurable,
  type KindPolicy,
  mergeEvents,
  mergeKeyOf,
  type TopicPosition,
  type TypePolicy,
} from "@ovation/protocol";
import type { Batch, BatchRing } from "./batch.ts";
import type { History } from "./history.ts";
import { WAITING_EVENTS_MAX } from "./limits.ts";

interface Merging {
  event: Event;
  readonly policy: TypePolicy;
  /** Stopwatch from which it may be written … */
  readonly from: number;
  /** … and at which it is by itself, if nothing else was until then. */
  readonly dueAt: number;
}

const NOTHING: readonly never[] = [];

export class Flow {
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
  dropped = 0;
  /** Where the topic stood after the last batch. */
  batched: TopicPosition;
  /** Stopwatch of the last batch. */
  movedAt = Number.POSITIVE_INFINITY;
  ring: BatchRing | undefined;
  history: History | undefined;
  /** All that was ever written of each summed type, so that a viewer who fell behind gets the difference. */
  sums: Map<string, Event> | undefined;
  /** Ahead of a missing number. */
  held: Map<number, DurableEvent> | undefined;
  readonly #kind: KindPolicy;
  #waiting: Event[] = [];
  #merging: Map<string, Merging> | undefined;
  #writtenAt: Map<string, number> | undefined;

  constructor(kind: KindPolicy, batched: TopicPosition) {
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
      this.#waiting.length === 0 &&
      this.#merging === undefined &&
      this.held === undefined
    );
  }

  /** Nothing is here but batches: once everybody has them, it is as if nothing had ever moved. */
  get isSpent(): boolean {
    return (
      this.#isEmpty &&
      this.history === undefined &&
      this.sums === undefined &&
      this.#writtenAt === undefined
    );
  }

  /** Nothing has moved here since then. */
  isQuiet(since: number): boolean {
    return this.#isEmpty && this.movedAt < since;
  }

  wait(event: Event): void {
    if (this.#waiting.length >= WAITING_EVENTS_MAX && !isDurable(event)) this.dropped++;
    else this.#waiting.push(event);
  }

  /** `patienceMs`: how long one that merges may wait for another event to be written with. */
  takeLive(event: Event, now: number, patienceMs = 0): void {
    const policy = this.#kind.types[event.type] ?? this.#kind.defaultType;
    const key = policy.merge === undefined ? undefined : mergeKeyOf(event, policy);
    if (key === undefined) {
      this.wait(event);
      return;
    }
    this.#merging ??= new Map();
    const earlier = this.#merging.get(key);
    if (earlier !== undefined) {
      earlier.event = mergeEvents(earlier.event, event, policy);
      return;
    }
    if (this.#merging.size >= WAITING_EVENTS_MAX) {
      this.dropped++;
      return;
    }
    const writtenAt = policy.everyMs === undefined ? undefined : this.#writtenAt?.get(key);
    const from = writtenAt === undefined ? now : Math.max(now, writtenAt + (policy.everyMs ?? 0));
    this.#merging.set(key, { event, policy, from, dueAt: from + patienceMs });
  }

  /** Whether something waits for the next batch, other than what merges. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether a batch could be made now. */
  hasDue(now: number): boolean {
    if (this.#waiting.length > 0) return true;
    for (const { dueAt } of this.#merging?.values() ?? NOTHING) if (dueAt <= now) return true;
    return false;
  }

  /** Stopwatch at which the next round is due; `undefined` where there is nothing for anybody. */
  dueAt(): number | undefined {
    if (this.#waiting.length > 0 || this.behind) return this.restUntil;
    let due: number | undefined;
    for (const { dueAt } of this.#merging?.values() ?? NOTHING)
      due = due === undefined ? dueAt : Math.min(due, dueAt);
    return due === undefined ? undefined : Math.max(due, this.restUntil);
  }

  /** Everything that is due, and what may go with it. It is the caller's from now on. */
  takeDue(now: number): readonly Event[] {
    const isDue = this.hasDue(now);
    const events = this.#waiting;
    this.#waiting = [];
    this.movedAt = now;
    for (const [key, { event, policy, from }] of this.#merging ?? NOTHING) {
      if (!isDue || from > now) continue;
      this.#merging?.delete(key);
      events.push(event);
      if (policy.merge === "sum") this.#addUp(key, event, policy);
      if (policy.everyMs !== undefined) {
        this.#writtenAt ??= new Map();
        this.#writtenAt.set(key, now);
      }
    }
    if (this.#merging?.size === 0) this.#merging = undefined;
    return events;
  }

  #addUp(key: string, event: Event, policy: TypePolicy): void {
    this.sums ??= new Map();
    const earlier = this.sums.get(key);
    this.sums.set(key, earlier === undefined ? event : mergeEvents(earlier, event, policy));
  }

  /** Whether a loss of this event would have to be told: what merges is made up for. */
  isPlain(event: Event): boolean {
    return !isDurable(event) && this.#kind.types[event.type]?.merge === undefined;
  }

  /** The batch of this number, if it is still here. */
  batch(number: number): Batch | undefined {
    return this.ring?.get(number);
  }
}
