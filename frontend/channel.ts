/**
 * A channel: what this frontend knows of one topic. Millions of them have one subscriber and hear
 * nothing for hours, so everything but the bare row is made on first use.
 *
 * Invariants:
 * - `seq` is the number of the newest durable event taken; numbers are taken without a hole. What
 *   arrives ahead is held until the missing ones come, or are pulled from the log.
 * - What is taken waits in `waiting` (and `merging`) until the next batch; a batch is made once.
 */

import {
  type DurableEvent,
  type Event,
  isDurable,
  type KindPolicy,
  markOf,
  mergeEvents,
  mergeKeyOf,
  type Topic,
  type TopicMark,
  type TopicPosition,
  type TypePolicy,
} from "@ovation/protocol";
import { Batch, BatchRing, formatEvents } from "./batch.ts";
import type { Subscription } from "./connection.ts";
import { History } from "./history.ts";
import { HELD_EVENTS_MAX, WAITING_EVENTS_MAX } from "./limits.ts";

/** What became of a durable event. */
export type Taken =
  /** It, and perhaps held ones behind it, wait for the next batch. */
  | "taken"
  /** It was here before. */
  | "old"
  /** A number before it is missing. */
  | "held"
  /** It contradicts what is known: the log is not the one it was. */
  | "other-life";

interface Merging {
  event: Event;
  readonly policy: TypePolicy;
  /** Stopwatch from which it may be written. */
  readonly dueAt: number;
}

const NOTHING: readonly never[] = [];

export class Channel {
  readonly topic: Topic;
  readonly kind: KindPolicy;
  /** Swap-removed; while a broadcast walks over it, removed entries are left as holes. */
  subscriptions: (Subscription | null)[] = [];
  subscribers = 0;
  walking = 0;

  /** The table has our row and the head is known. */
  joined = false;
  /** The first broadcast of which `batched` or `history` say where the topic stood after it. */
  joinedOrder = 0;
  seq = 0;
  epoch = "";
  stamp = 0;

  /** Number of the next batch. */
  nextBatch = 1;
  /** Where the topic stood after the last batch. */
  batched: TopicPosition = { seq: 0, epoch: "" };
  /** Stopwatch before which no batch is made: a busy topic. */
  restUntil = 0;
  /** Wall clock of the tick that is arranged; infinity where none is. */
  scheduledFor = Number.POSITIVE_INFINITY;
  liveEvents = 0;
  dropped = 0;
  /** The newest number that a report named. */
  known = 0;
  /** As last announced to viewers. */
  viewers = 0;
  announced = 0;
  /** Somebody came, or skipped forward, since the last announcement: they have not seen the number of viewers. */
  unseen = false;

  ring: BatchRing | undefined;
  history: History | undefined;
  sums: Map<string, Event> | undefined;
  #waiting: Event[] | undefined;
  #merging: Map<string, Merging> | undefined;
  #writtenAt: Map<string, number> | undefined;
  #held: Map<number, DurableEvent> | undefined;
  #mark: TopicMark | undefined;

  constructor(topic: Topic, kind: KindPolicy) {
    this.topic = topic;
    this.kind = kind;
  }

  get mark(): TopicMark {
    this.#mark ??= markOf(this.topic);
    return this.#mark;
  }

  get position(): TopicPosition {
    return { seq: this.seq, epoch: this.epoch };
  }

  get hasHeld(): boolean {
    return this.#held !== undefined && this.#held.size > 0;
  }

  /** The head that the log had when the table got our row: everything after it arrives here. */
  startAt(position: TopicPosition, order: number): void {
    this.seq = position.seq;
    this.epoch = position.epoch;
    this.batched = position;
    this.history = undefined;
    this.joined = true;
    this.joinedOrder = order;
    for (const seq of this.#held?.keys() ?? NOTHING) if (seq <= position.seq) this.#held?.delete(seq);
    this.#takeHeld();
  }

  takeDurable(event: DurableEvent): Taken {
    const { seq, epoch, stamp } = event.place;
    if (!this.joined || seq > this.seq + 1) {
      this.#held ??= new Map();
      if (this.#held.size < HELD_EVENTS_MAX) this.#held.set(seq, event);
      return "held";
    }
    if (seq <= this.seq) {
      // A number that we have, but committed later than our newest: the log went back in time.
      return stamp > this.stamp && this.stamp > 0 && epoch !== this.epoch ? "other-life" : "old";
    }
    this.#take(event);
    this.#takeHeld();
    return "taken";
  }

  #take(event: DurableEvent): void {
    this.seq = event.place.seq;
    this.epoch = event.place.epoch;
    this.stamp = event.place.stamp;
    this.#wait(event);
  }

  #takeHeld(): void {
    if (this.#held === undefined) return;
    for (let next = this.#held.get(this.seq + 1); next !== undefined; next = this.#held.get(this.seq + 1)) {
      this.#held.delete(next.place.seq);
      this.#take(next);
    }
    if (this.#held.size === 0) this.#held = undefined;
  }

  /** Forgets what came ahead: the log is another one. */
  dropHeld(): void {
    this.#held = undefined;
  }

  takeLive(event: Event, now: number): void {
    const policy = this.kind.types[event.type] ?? this.kind.defaultType;
    const key = policy.merge === undefined ? undefined : mergeKeyOf(event, policy);
    if (key === undefined) {
      this.#wait(event);
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
    const dueAt = writtenAt === undefined ? now : Math.max(now, writtenAt + (policy.everyMs ?? 0));
    this.#merging.set(key, { event, policy, dueAt });
  }

  #wait(event: Event): void {
    this.#waiting ??= [];
    if (this.#waiting.length >= WAITING_EVENTS_MAX && !isDurable(event)) {
      this.dropped++;
      return;
    }
    this.#waiting.push(event);
  }

  /** Stopwatch at which the next batch is due; `undefined` where nothing waits. */
  dueAt(): number | undefined {
    if (this.#waiting !== undefined && this.#waiting.length > 0) return this.restUntil;
    let due: number | undefined;
    for (const { dueAt } of this.#merging?.values() ?? NOTHING) due = due === undefined ? dueAt : Math.min(due, dueAt);
    return due === undefined ? undefined : Math.max(due, this.restUntil);
  }

  /** Everything that is due, encoded; `undefined` where nobody would get it or nothing is due. */
  makeBatch(order: number, prefix: string, now: number): Batch | undefined {
    const events = this.#takeDue(now);
    if (events.length === 0) return undefined;
    let live = 0;
    for (const event of events) {
      if (isDurable(event)) {
        this.history ??= new History(this.batched, this.joinedOrder);
        this.history.push(event, order);
      } else if (this.kind.types[event.type]?.merge === undefined) live++;
    }
    const before = this.batched;
    const text = formatEvents(prefix, this.mark, before, events);
    this.batched = this.position;
    const batch = new Batch({ number: this.nextBatch, order, text, events: events.length, before, liveBefore: this.liveEvents });
    this.liveEvents += live;
    this.nextBatch++;
    this.ring ??= new BatchRing(batch.number);
    this.ring.push(batch);
    return batch;
  }

  #takeDue(now: number): readonly Event[] {
    const events: Event[] = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const [key, { event, policy, dueAt }] of this.#merging ?? NOTHING) {
      if (dueAt > now) continue;
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

  /** All that was ever written of a summed type, so that a viewer who fell behind gets the difference. */
  #addUp(key: string, event: Event, policy: TypePolicy): void {
    this.sums ??= new Map();
    const earlier = this.sums.get(key);
    this.sums.set(key, earlier === undefined ? event : mergeEvents(earlier, event, policy));
  }

  add(subscription: Subscription): void {
    subscription.index = this.subscriptions.length;
    this.subscriptions.push(subscription);
    this.subscribers++;
    this.unseen = true;
  }

  remove(subscription: Subscription): void {
    const last = this.subscriptions.length - 1;
    this.subscribers--;
    if (this.walking > 0) {
      this.subscriptions[subscription.index] = null;
      return;
    }
    const moved = this.subscriptions[last];
    this.subscriptions.length = last;
    if (moved === undefined || moved === null || moved === subscription) return;
    this.subscriptions[subscription.index] = moved;
    moved.index = subscription.index;
  }

  /** Where the topic stood after the broadcast `order`; `undefined` where that is longer ago than this frontend knows. */
  positionAt(order: number): TopicPosition | undefined {
    if (!this.joined || order < this.joinedOrder) return undefined;
    return this.history === undefined ? this.batched : this.history.positionAt(order);
  }

  /** Closes the holes that removals left during a walk. */
  compact(): void {
    if (this.walking > 0 || this.subscribers === this.subscriptions.length) return;
    const kept = this.subscriptions.filter((subscription) => subscription !== null);
    for (const [index, subscription] of kept.entries()) subscription.index = index;
    this.subscriptions = kept;
  }
}
