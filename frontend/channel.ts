/**
 * A channel: what this frontend knows of one topic. Millions of them have one subscriber and hear
 * nothing for hours, so a channel is a bare row, and what moves in it is made on first use (`flow.ts`).
 * What a row may weigh is held by `npm run bench -- personal-topics`.
 *
 * Invariants:
 * - `seq` is the number of the newest durable event taken; numbers are taken without a hole. What
 *   arrives ahead is held until the missing ones come, or are pulled from the log.
 * - What is taken waits in the flow until the next batch; a batch is made once.
 */

import {
  type DurableEvent,
  type Event,
  isDurable,
  type KindPolicy,
  markOf,
  type Topic,
  type TopicMark,
  type TopicPosition,
} from "@ovation/protocol";
import { Batch, BatchRing, formatEvents } from "./batch.ts";
import type { Subscription } from "./connection.ts";
import { Flow } from "./flow.ts";
import { History } from "./history.ts";
import { HELD_EVENTS_MAX } from "./limits.ts";

/** What became of a durable event. */
export type Taken =
  /** It, and perhaps held ones behind it, wait for the next batch. */
  | "taken"
  /** It was here before. */
  | "old"
  /** A number before it is missing, or may not be the one that it follows. */
  | "held"
  /** Another life of the log wrote this number: the log may not be the one it was. */
  | "other-life";

/** What viewers were told of their number. Only kinds whose viewers are counted have it. */
export interface Announced {
  viewers: number;
  /** The head that went with it. */
  seq: number;
  /** Somebody came, or skipped forward, since: they have not seen the number. */
  unseen: boolean;
  /** In which report of the frontend. */
  round: number;
}

/** Where every topic begins; one object for all of them. */
const BEGINNING: TopicPosition = { seq: 0, epoch: "" };

export class Channel {
  readonly topic: Topic;
  readonly kind: KindPolicy;
  subscribers = 0;
  /** The table has our row and the head is known. */
  joined = false;
  /** The first broadcast of which `batched` or the history say where the topic stood after it. */
  joinedOrder = 0;
  seq = 0;
  epoch = "";
  /** The newest number that a report named. */
  known = 0;
  /** Number of the next batch. */
  nextBatch = 1;
  /** Where the topic stood after the last batch. */
  batched: TopicPosition = BEGINNING;
  readonly announced: Announced | undefined;
  #flow: Flow | undefined;
  /** The one subscription that most topics have, or the list of those that others have. */
  #one: Subscription | undefined;
  #many: (Subscription | null)[] | undefined;

  constructor(topic: Topic, kind: KindPolicy) {
    this.topic = topic;
    this.kind = kind;
    this.announced = kind.viewers ? { viewers: 0, seq: 0, unseen: false, round: 0 } : undefined;
  }

  get mark(): TopicMark {
    return markOf(this.topic);
  }

  get position(): TopicPosition {
    return this.seq === 0 ? BEGINNING : { seq: this.seq, epoch: this.epoch };
  }

  /** What moves here, if anything ever did. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  #flowing(): Flow {
    this.#flow ??= new Flow(this.kind);
    return this.#flow;
  }

  get hasHeld(): boolean {
    return (this.#flow?.held?.size ?? 0) > 0;
  }

  /** Those who get a broadcast. While one walks over them, removed ones are left as holes. */
  get subscriptions(): readonly (Subscription | null)[] {
    if (this.#many !== undefined) return this.#many;
    return this.#one === undefined ? [] : [this.#one];
  }

  /** The head that the log had when the table got our row: everything after it arrives here. */
  startAt(position: TopicPosition, order: number): void {
    this.seq = position.seq;
    this.epoch = position.epoch;
    this.batched = this.position;
    this.joined = true;
    this.joinedOrder = order;
    const flow = this.#flow;
    if (flow === undefined) return;
    flow.history = undefined;
    for (const seq of flow.held?.keys() ?? []) if (seq <= position.seq) flow.held?.delete(seq);
    this.#takeHeld(flow);
  }

  /** `proven`: it was read from the log, which was asked whether it wrote what is here. */
  takeDurable(event: DurableEvent, proven = false): Taken {
    const { seq } = event.place;
    const other = !proven && this.#isOfOtherLife(event);
    if (!this.joined || seq > this.seq + 1 || (other && seq > this.seq)) {
      const flow = this.#flowing();
      flow.held ??= new Map();
      if (flow.held.size < HELD_EVENTS_MAX) flow.held.set(seq, event);
      return "held";
    }
    if (seq <= this.seq) return other ? "other-life" : "old";
    const flow = this.#flowing();
    this.#take(flow, event);
    this.#takeHeld(flow);
    return "taken";
  }

  /** Whether it was written in another life of the log than our newest, so that one need not follow the other. */
  #isOfOtherLife({ place }: DurableEvent): boolean {
    return this.seq > 0 && place.epoch !== this.epoch;
  }

  #take(flow: Flow, event: DurableEvent): void {
    this.seq = event.place.seq;
    this.epoch = event.place.epoch;
    flow.wait(event);
  }

  #takeHeld(flow: Flow): void {
    const { held } = flow;
    if (held === undefined) return;
    for (let next = held.get(this.seq + 1); next !== undefined; next = held.get(this.seq + 1)) {
      if (this.#isOfOtherLife(next)) return;
      held.delete(next.place.seq);
      this.#take(flow, next);
    }
    if (held.size === 0) flow.held = undefined;
  }

  /** Forgets what came ahead, up to a number: the log has others there. */
  dropHeld(through = Number.POSITIVE_INFINITY): void {
    const flow = this.#flow;
    if (flow?.held === undefined) return;
    for (const seq of flow.held.keys()) if (seq <= through) flow.held.delete(seq);
    if (flow.held.size === 0) flow.held = undefined;
  }

  takeLive(event: Event, now: number): void {
    this.#flowing().takeLive(event, now);
  }

  /** Everything that is due, encoded; `undefined` where nothing is. */
  makeBatch(order: number, prefix: string, now: number): Batch | undefined {
    const flow = this.#flow;
    const events = flow?.takeDue(now) ?? [];
    if (flow === undefined || events.length === 0) return undefined;
    const liveBefore = flow.liveEvents;
    const before = this.batched;
    for (const event of events) {
      if (isDurable(event)) {
        flow.history ??= new History(before, this.joinedOrder);
        flow.history.push(event, order);
      } else if (flow.isPlain(event)) flow.liveEvents++;
    }
    const text = formatEvents(prefix, this.mark, before, events);
    this.batched = this.position;
    const batch = new Batch({ number: this.nextBatch, order, text, events: events.length, before, liveBefore });
    this.nextBatch++;
    flow.ring ??= new BatchRing(batch.number);
    flow.ring.push(batch);
    return batch;
  }

  add(subscription: Subscription): void {
    this.subscribers++;
    if (this.announced !== undefined) this.announced.unseen = true;
    if (this.#many === undefined && this.#one === undefined) {
      subscription.index = 0;
      this.#one = subscription;
      return;
    }
    this.#many ??= this.#one === undefined ? [] : [this.#one];
    this.#one = undefined;
    subscription.index = this.#many.length;
    this.#many.push(subscription);
  }

  remove(subscription: Subscription): void {
    this.subscribers--;
    const many = this.#many;
    if (many === undefined) {
      this.#one = undefined;
      return;
    }
    if ((this.#flow?.walking ?? 0) > 0) {
      many[subscription.index] = null;
      return;
    }
    const last = many.length - 1;
    const moved = many[last];
    many.length = last;
    if (moved === undefined || moved === null || moved === subscription) return;
    many[subscription.index] = moved;
    moved.index = subscription.index;
  }

  /** Where the topic stood after the broadcast `order`; `undefined` where that is longer ago than this frontend knows. */
  positionAt(order: number): TopicPosition | undefined {
    if (!this.joined || order < this.joinedOrder) return undefined;
    const history = this.#flow?.history;
    return history === undefined ? this.batched : history.positionAt(order);
  }

  /** Closes the holes that removals left during a walk. */
  compact(): void {
    const many = this.#many;
    if (many === undefined || (this.#flow?.walking ?? 0) > 0 || this.subscribers === many.length) return;
    const kept = many.filter((subscription) => subscription !== null);
    for (const [index, subscription] of kept.entries()) subscription.index = index;
    this.#many = kept;
  }
}
