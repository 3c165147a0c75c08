/**
 * A channel: one topic inside one frontend. There are millions of channels with one subscription
 * and no event for hours, so a channel holds little: the buffer is created for the first event
 * (`topic-buffer.ts`) and dropped when it is not needed, the audience for the second subscription.
 *
 * Hot path, of memory: eight fields are 80 bytes to the engine, nine are 112, fourteen were 160.
 * `channel.bench.ts` holds the size of a channel, `npm run bench -- personal-topics` of all around
 * it.
 *
 * Invariants:
 * - `seq` is the newest durable event taken. Sequence numbers are taken without a hole: later ones
 *   are held until the missing ones arrive or are pulled from the log.
 * - A taken event waits in the buffer for the next batch. Every event is in one batch only.
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
import { Audience } from "./audience.ts";
import { Batch, BatchRing, formatEvents } from "./batch.ts";
import type { ChannelKind } from "./channel-kinds.ts";
import { HeldEvents } from "./held-events.ts";
import { History } from "./history.ts";
import { TopicBuffer } from "./topic-buffer.ts";

/** What a channel did with a durable event. */
export type Taken =
  /** It waits for the next batch, with the held events that follow it. */
  | "taken"
  /** It was taken before. */
  | "old"
  /** A sequence number before it is missing, or may be of another epoch. */
  | "held"
  /** Too many events wait: it was dropped, and repair pulls it from the log later. */
  | "dropped"
  /** Its number was taken with another epoch: the log may have been restored. */
  | "other-epoch";

/** What reports said of a topic, and which viewer count its viewers have. */
export interface Reported {
  /** The newest sequence number that a report named. */
  known: number;
  viewers: number;
  /** The head that was announced with the viewer count. */
  seq: number;
  /** A connection subscribed or skipped since: it has not seen the count. */
  unseen: boolean;
  /** The number of the frontend's report that announced it. */
  round: number;
}

/** What a channel needs of a subscription. */
export interface Subscriber {
  /** Position in the audience. */
  index: number;
  readonly next: number;
  /** `lags` is set while the connection is slow. */
  readonly connection: { readonly lags: object | undefined };
}

/** Where every topic begins; one object for all of them. */
const BEGINNING: TopicPosition = { seq: 0, epoch: "" };

const NO_SUBSCRIPTIONS: readonly never[] = [];

export class Channel<Entry extends Subscriber = Subscriber> {
  readonly topic: Topic;
  readonly #kind: ChannelKind;
  /** The first order after which the topic's position is known; 0 until the channel is joined. */
  joinedOrder = 0;
  /** The newest durable event that was taken. */
  position: TopicPosition = BEGINNING;
  nextBatch = 1;
  #reported: Reported | undefined;
  #buffer: TopicBuffer | undefined;
  /** Most channels have one subscription and no audience. */
  #subscribers: Entry | Audience<Entry> | undefined;

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

  /** The subscription table has the row, and the head is known. */
  get joined(): boolean {
    return this.joinedOrder > 0;
  }

  /** Where the topic stood after the last batch. */
  get batched(): TopicPosition {
    return this.#buffer?.batched ?? this.position;
  }

  /** See `Reported.known`. */
  get known(): number {
    return this.#reported?.known ?? 0;
  }

  set known(seq: number) {
    this.#reported ??= createReported();
    this.#reported.known = seq;
  }

  /** Only for kinds whose viewers are counted. */
  get announced(): Reported | undefined {
    return this.kind.viewers ? this.#reported : undefined;
  }

  /** `undefined` while the topic is quiet. */
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

  /** The only subscription; `undefined` also where the channel once had several. */
  get single(): Entry | undefined {
    return this.#subscribers instanceof Audience ? undefined : this.#subscribers;
  }

  /** During a round, with a hole (`null`) for each removed one. */
  get subscriptions(): readonly (Entry | null)[] {
    if (this.#subscribers instanceof Audience) return this.#subscribers.list;
    return this.#subscribers === undefined ? NO_SUBSCRIPTIONS : [this.#subscribers];
  }

  /** `position`: the head when the row was in the table. Every later event is dispatched here. */
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

  /** `proven`: it comes from a log that has confirmed the channel's position. */
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

  /** Whether the next durable event would be taken, not dropped. */
  get hasRoom(): boolean {
    return this.#buffer?.isDurableFull !== true;
  }

  /** Whether its epoch differs from the newest event's: it may not be the next one then. */
  #isOfOtherEpoch({ place }: DurableEvent): boolean {
    return this.seq > 0 && place.epoch !== this.epoch;
  }

  #take(buffer: TopicBuffer, event: DurableEvent): void {
    this.position = { seq: event.place.seq, epoch: event.place.epoch };
    // The time does not matter: durable events never expire.
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

  /** Discards held events up to a sequence number: the log has others there. */
  dropHeld(through = Number.POSITIVE_INFINITY): void {
    const buffer = this.#buffer;
    if (buffer?.held === undefined) return;
    buffer.held.deleteThrough(through);
    if (buffer.held.size === 0) buffer.held = undefined;
  }

  takeLive(event: Event, now: number, patienceMs = 0): void {
    this.#ensureBuffer().wait(this.#fit(event), now, patienceMs);
  }

  /** Encodes all that is due; `undefined` where nothing is. */
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

  add(entry: Entry): void {
    const { announced } = this;
    if (announced !== undefined) announced.unseen = true;
    const here = this.#subscribers;
    if (here === undefined) {
      this.#subscribers = entry;
    } else if (here instanceof Audience) {
      here.add(entry);
    } else {
      this.#subscribers = new Audience();
      this.#subscribers.add(here);
      this.#subscribers.add(entry);
    }
  }

  remove(entry: Entry): void {
    const here = this.#subscribers;
    if (here instanceof Audience) here.remove(entry, (this.#buffer?.walking ?? 0) > 0);
    else this.#subscribers = undefined;
  }

  /** Where the topic stood after the broadcast `order`; `undefined` where it is not recorded. */
  positionAt(order: number): TopicPosition | undefined {
    if (!this.joined || order < this.joinedOrder) return undefined;
    const history = this.#buffer?.history;
    return history === undefined ? this.batched : history.positionAt(order);
  }

  /** After a round: closes the holes of the audience, and drops a buffer that is not needed. */
  compact(): void {
    const here = this.#subscribers;
    if ((this.#buffer?.walking ?? 0) > 0) return;
    if (here instanceof Audience) here.compact();
    else if (this.#buffer?.isSpent === true && (here === undefined || this.#isUpToDate(here)))
      this.#buffer = undefined;
  }

  /**
   * Drops the buffer of a topic without an event since `since` (by `elapsed`), unless a connection
   * still needs it. For clients that return later the log is read.
   */
  releaseIdle(since: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined || !buffer.isQuiet(since)) return;
    for (const entry of this.subscriptions) if (entry !== null && !this.#isUpToDate(entry)) return;
    // After its last broadcast the position did not change.
    this.joinedOrder = Math.max(this.joinedOrder, buffer.history?.lastOrder ?? 0);
    this.#buffer = undefined;
  }

  /** It has every batch, and its connection is not slow. */
  #isUpToDate({ next, connection }: Entry): boolean {
    return next === this.nextBatch && connection.lags === undefined;
  }
}

function createReported(): Reported {
  return { known: 0, viewers: 0, seq: 0, unseen: false, round: 0 };
}
