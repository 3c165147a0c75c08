/**
 * A channel: what this frontend knows of one topic. Millions of them have one subscriber and hear
 * nothing for hours, so a channel is a bare row: what moves in it is made on first use (`topic-buffer.ts`) and
 * let go of when nobody can need it any more, and a list of subscribers is made for the second one.
 *
 * Hot path, of memory: eight fields are 80 bytes to the engine, nine are 112, and fourteen were 160. What a
 * row weighs is held by `channel.bench.ts`, and with everything around it by `npm run bench -- personal-topics`.
 *
 * Invariants:
 * - `seq` is the number of the newest durable event taken; numbers are taken without a hole. What
 *   arrives ahead is held until the missing ones come, or are pulled from the log.
 * - What is taken waits in the buffer until the next batch; a batch is made once.
 */

import {
  type DurableEvent,
  type Epoch,
  type Event,
  fitToFrame,
  isDurable,
  type KindPolicy,
  markOf,
  type Topic,
  type TopicMark,
  type TopicPosition,
} from "@ovation/protocol";
import type { Subscription } from "../connections/connection.ts";
import { Audience } from "./audience.ts";
import { Batch, BatchRing, formatEvents } from "./batch.ts";
import { HeldEvents } from "./held-events.ts";
import { History } from "./history.ts";
import { type ChannelKind, TopicBuffer } from "./topic-buffer.ts";

/** What became of a durable event. */
export type Taken =
  /** It, and perhaps held ones behind it, wait for the next batch. */
  | "taken"
  /** It was here before. */
  | "old"
  /** A number before it is missing, or may not be the one that it follows. */
  | "held"
  /** Too many wait already: it was dropped, and is pulled from the log later. */
  | "dropped"
  /** Another life of the log wrote this number: the log may not be the one it was. */
  | "other-epoch";

/** What reports said of a topic, and what its viewers were told of it. */
export interface Reported {
  /** The newest number that a report named. */
  known: number;
  viewers: number;
  /** The head that went with the number of viewers. */
  seq: number;
  /** Somebody came, or skipped forward, since: they have not seen the number. */
  unseen: boolean;
  /** In which report of the frontend. */
  round: number;
}

/** Where every topic begins; one object for all of them. */
const BEGINNING: TopicPosition = { seq: 0, epoch: "" };

const NOBODY: readonly Subscription[] = [];

export class Channel {
  readonly topic: Topic;
  readonly #kind: ChannelKind;
  /** The first broadcast of which `batched` or the history say where the topic stood after it; 0 until it is joined. */
  joinedOrder = 0;
  /** The newest durable event that was taken. */
  position: TopicPosition = BEGINNING;
  /** Number of the next batch. */
  nextBatch = 1;
  #reported: Reported | undefined;
  #buffer: TopicBuffer | undefined;
  /** The one subscription that most topics have, or the list of those that others have. */
  #subscribers: Subscription | Audience | undefined;

  constructor(topic: Topic, kind: ChannelKind) {
    this.topic = topic;
    this.#kind = kind;
    this.#reported = kind.policy.viewers ? createReported() : undefined;
  }

  get kind(): KindPolicy {
    return this.#kind.policy;
  }

  get mark(): TopicMark {
    return markOf(this.topic);
  }

  get seq(): number {
    return this.position.seq;
  }

  get epoch(): Epoch {
    return this.position.epoch;
  }

  /** The table has our row and the head is known. */
  get joined(): boolean {
    return this.joinedOrder > 0;
  }

  /** Where the topic stood after the last batch. */
  get batched(): TopicPosition {
    return this.#buffer?.batched ?? this.position;
  }

  /** The newest number that a report named. */
  get known(): number {
    return this.#reported?.known ?? 0;
  }

  set known(seq: number) {
    this.#reported ??= createReported();
    this.#reported.known = seq;
  }

  /** What viewers were told of their number. Only kinds whose viewers are counted have it. */
  get announced(): Reported | undefined {
    return this.kind.viewers ? this.#reported : undefined;
  }

  /** What moves here, if anything does. */
  get buffer(): TopicBuffer | undefined {
    return this.#buffer;
  }

  #ensureBuffer(): TopicBuffer {
    this.#buffer ??= new TopicBuffer(this.#kind, this.position);
    return this.#buffer;
  }

  get hasHeld(): boolean {
    return (this.#buffer?.held?.size ?? 0) > 0;
  }

  get subscribers(): number {
    if (this.#subscribers instanceof Audience) return this.#subscribers.size;
    return this.#subscribers === undefined ? 0 : 1;
  }

  /** The one subscription of a topic that never had another one meanwhile. */
  get single(): Subscription | undefined {
    return this.#subscribers instanceof Audience ? undefined : this.#subscribers;
  }

  /** Those who get a broadcast. While one walks over them, removed ones are left as holes. */
  get subscriptions(): readonly (Subscription | null)[] {
    if (this.#subscribers instanceof Audience) return this.#subscribers.list;
    return this.#subscribers === undefined ? NOBODY : [this.#subscribers];
  }

  /** The head that the log had when the table got our row: everything after it arrives here. */
  startAt(position: TopicPosition, order: number): void {
    this.position = position.seq === 0 ? BEGINNING : position;
    this.joinedOrder = order;
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    buffer.batched = this.position;
    buffer.history = undefined;
    buffer.held?.deleteThrough(position.seq);
    this.#takeHeld(buffer);
  }

  /** `proven`: it was read from the log, which was asked whether it wrote what is here. */
  takeDurable(event: DurableEvent, proven = false): Taken {
    const { seq } = event.place;
    const other = !proven && this.#isOfOtherEpoch(event);
    if (!this.joined || seq > this.seq + 1 || (other && seq > this.seq)) {
      const buffer = this.#ensureBuffer();
      buffer.held ??= new HeldEvents();
      return buffer.held.add(event) ? "held" : this.#drop();
    }
    if (seq <= this.seq) return other ? "other-epoch" : "old";
    const buffer = this.#ensureBuffer();
    if (buffer.isDurableFull) return this.#drop();
    this.#take(buffer, event);
    this.#takeHeld(buffer);
    return "taken";
  }

  #drop(): Taken {
    const { counts } = this.#kind.pending;
    counts.droppedFull++;
    counts.durable.droppedFull++;
    return "dropped";
  }

  /** Whether the next durable event would be taken, and not left to the log until the next batch. */
  get hasRoom(): boolean {
    return this.#buffer?.isDurableFull !== true;
  }

  /** Whether it was written in another life of the log than our newest, so that one need not follow the other. */
  #isOfOtherEpoch({ place }: DurableEvent): boolean {
    return this.seq > 0 && place.epoch !== this.epoch;
  }

  #take(buffer: TopicBuffer, event: DurableEvent): void {
    this.position = { seq: event.place.seq, epoch: event.place.epoch };
    // Since when it waits does not matter here: nothing expires before the next batch.
    buffer.wait(this.#fit(event), 0);
  }

  #takeHeld(buffer: TopicBuffer): void {
    const { held } = buffer;
    if (held === undefined) return;
    for (let next = held.get(this.seq + 1); next !== undefined; next = held.get(this.seq + 1)) {
      if (this.#isOfOtherEpoch(next) || buffer.isDurableFull) return;
      held.delete(next.place.seq);
      this.#take(buffer, next);
    }
    if (held.size === 0) buffer.held = undefined;
  }

  #fit(event: Event): Event {
    const fitting = fitToFrame(event);
    if (fitting !== event) this.#kind.pending.counts.oversized++;
    return fitting;
  }

  /** Forgets what came ahead, up to a number: the log has others there. */
  dropHeld(through = Number.POSITIVE_INFINITY): void {
    const buffer = this.#buffer;
    if (buffer?.held === undefined) return;
    buffer.held.deleteThrough(through);
    if (buffer.held.size === 0) buffer.held = undefined;
  }

  takeLive(event: Event, now: number, patienceMs = 0): void {
    this.#ensureBuffer().wait(this.#fit(event), now, patienceMs);
  }

  /** Everything that is due, encoded; `undefined` where nothing is. */
  makeBatch(order: number, prefix: string, now: number): Batch | undefined {
    const buffer = this.#buffer;
    const due = buffer?.takeDue(now) ?? [];
    if (buffer === undefined || due.length === 0) return undefined;
    const liveBefore = buffer.liveEvents;
    const { batched: before } = buffer;
    let durable = 0;
    let events: readonly Event[] = due;
    for (const [index, event] of due.entries()) {
      if (isDurable(event)) {
        buffer.history ??= new History(before, this.joinedOrder);
        buffer.history.push(event, order);
        durable++;
        continue;
      }
      const written = buffer.noteLive(event);
      if (written !== event) events = events.with(index, written);
    }
    const text = formatEvents(prefix, this.mark, before, events);
    buffer.batched = this.position;
    const batch = new Batch({
      number: this.nextBatch,
      order,
      text,
      events: events.length,
      durable,
      before,
      liveBefore,
    });
    this.nextBatch++;
    buffer.ring ??= new BatchRing(batch.number);
    buffer.ring.push(batch);
    return batch;
  }

  add(subscription: Subscription): void {
    const { announced } = this;
    if (announced !== undefined) announced.unseen = true;
    const here = this.#subscribers;
    if (here === undefined) {
      this.#subscribers = subscription;
    } else if (here instanceof Audience) {
      here.add(subscription);
    } else {
      this.#subscribers = new Audience();
      this.#subscribers.add(here);
      this.#subscribers.add(subscription);
    }
  }

  remove(subscription: Subscription): void {
    const here = this.#subscribers;
    if (here instanceof Audience) here.remove(subscription, (this.#buffer?.walking ?? 0) > 0);
    else this.#subscribers = undefined;
  }

  /** Where the topic stood after the broadcast `order`; `undefined` where that is longer ago than this frontend knows. */
  positionAt(order: number): TopicPosition | undefined {
    if (!this.joined || order < this.joinedOrder) return undefined;
    const history = this.#buffer?.history;
    return history === undefined ? this.batched : history.positionAt(order);
  }

  /** After a walk: closes the holes that removals left. What moved here goes, where that is known to be of no more use. */
  compact(): void {
    const here = this.#subscribers;
    if ((this.#buffer?.walking ?? 0) > 0) return;
    if (here instanceof Audience) here.compact();
    else if (this.#buffer?.isSpent === true && (here === undefined || this.#isUpToDate(here)))
      this.#buffer = undefined;
  }

  /**
   * Lets go of what moved here before `since` (a stopwatch), where nobody waits for anything of it: who returns to
   * what it remembered is answered by the log.
   */
  releaseIdle(since: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined || !buffer.isQuiet(since)) return;
    for (const subscription of this.subscriptions)
      if (subscription !== null && !this.#isUpToDate(subscription)) return;
    // Of the broadcasts since its last one it is still known: there was none of this topic.
    this.joinedOrder = Math.max(this.joinedOrder, buffer.history?.lastOrder ?? 0);
    this.#buffer = undefined;
  }

  /** Everything was sent to it, and nothing is being counted for it. */
  #isUpToDate({ next, connection }: Subscription): boolean {
    return next === this.nextBatch && connection.lags === undefined;
  }
}

function createReported(): Reported {
  return { known: 0, viewers: 0, seq: 0, unseen: false, round: 0 };
}
