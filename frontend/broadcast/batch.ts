/**
 * A batch: all events of one topic in one broadcast, encoded once per wire form; and the ring: the
 * recent batches, for connections that are behind.
 */

import {
  type Event,
  formatEnvelope,
  formatFrame,
  formatTopicPosition,
  isDurable,
  type TopicMark,
  type TopicPosition,
} from "@ovation/protocol";
import { RING_BATCHES_MAX, RING_BYTES_MAX } from "../limits.ts";
import { LiveTally } from "../live-tally.ts";
import { Encoded } from "./encoding.ts";

export class Batch {
  /** Counts up by one within its channel. */
  readonly number: number;
  /** The order: its number among all broadcasts of this frontend. */
  readonly order: number;
  readonly encoded: Encoded;
  readonly events: number;
  /** How many of the events are durable. */
  readonly durable: number;
  /** Where the topic stood before it. */
  readonly before: TopicPosition;
  /** Live events of the topic before it: see `TopicBuffer.liveEvents`. */
  readonly liveBefore: number;

  constructor(made: {
    readonly number: number;
    readonly order: number;
    readonly text: string;
    readonly events: number;
    readonly durable: number;
    readonly before: TopicPosition;
    readonly liveBefore: number;
  }) {
    this.number = made.number;
    this.order = made.order;
    this.encoded = Encoded.ofText(made.text);
    this.events = made.events;
    this.durable = made.durable;
    this.before = made.before;
    this.liveBefore = made.liveBefore;
  }
}

/**
 * The frames of the events, each with its position, in one text. `prefix` is the part of the id
 * that they share; `before` is where the topic stood before them.
 */
export function formatEvents(
  prefix: string,
  mark: TopicMark,
  before: TopicPosition,
  events: readonly Event[],
): string {
  let text = "";
  let position = before;
  let id = prefix + formatTopicPosition(mark, position);
  for (const event of events) {
    if (isDurable(event)) {
      position = { seq: event.place.seq, epoch: event.place.epoch };
      id = prefix + formatTopicPosition(mark, position);
    }
    text += formatFrame(id, event.type, formatEnvelope(event));
  }
  return text;
}

/** The most recent batches of one topic; numbers below `oldest` are evicted. */
export class BatchRing {
  /** From this number on, no batch is evicted: connections that keep up still need it. */
  keepFrom = Number.POSITIVE_INFINITY;
  readonly #batches: Batch[] = [];
  /** Of evicted batches. */
  #tally: LiveTally | undefined;
  #bytes = 0;
  #next: number;

  constructor(next: number) {
    this.#next = next;
  }

  /** The number that the next batch gets. */
  get next(): number {
    return this.#next;
  }

  get oldest(): number {
    return this.#next - this.#batches.length;
  }

  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#bytes += batch.encoded.length;
    this.#next = batch.number + 1;
    while (
      (this.#batches.length > RING_BATCHES_MAX || this.#bytes > RING_BYTES_MAX) &&
      this.oldest < Math.min(this.keepFrom, batch.number)
    ) {
      const evicted = this.#batches.shift();
      if (evicted === undefined) continue;
      this.#bytes -= evicted.encoded.length;
      this.#tally ??= new LiveTally();
      this.#tally.add(evicted.order, evicted.liveBefore);
    }
  }

  /** Live events before the first batch after `order`; `undefined` where there is no such batch. */
  liveAt(order: number): number | undefined {
    return (
      this.#tally?.liveAt(order) ?? this.#batches.find((batch) => batch.order > order)?.liveBefore
    );
  }

  get(number: number): Batch | undefined {
    return this.#batches[number - this.oldest];
  }
}
