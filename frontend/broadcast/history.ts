/** The durable events that one topic broadcast recently, for returning clients. */

import type { DurableEvent, TopicPosition } from "@ovation/protocol";
import { HISTORY_EVENTS_MAX } from "../limits.ts";

interface Remembered {
  readonly event: DurableEvent;
  /** The broadcast that it went out with. */
  readonly order: number;
}

export class History {
  #events: Remembered[] = [];
  /**
   * Where the topic stood before the oldest remembered event, and since which broadcast that is
   * known.
   */
  #floor: TopicPosition;
  #floorOrder: number;

  constructor(floor: TopicPosition, order: number) {
    this.#floor = floor;
    this.#floorOrder = order;
  }

  push(event: DurableEvent, order: number): void {
    this.#events.push({ event, order });
    if (this.#events.length > HISTORY_EVENTS_MAX * 1.25) {
      const gone = this.#events.splice(0, this.#events.length - HISTORY_EVENTS_MAX).at(-1);
      if (gone === undefined) return;
      this.#floor = { seq: gone.event.place.seq, epoch: gone.event.place.epoch };
      this.#floorOrder = gone.order;
    }
  }

  /** The newest broadcast that is remembered. */
  get lastOrder(): number {
    return this.#events.at(-1)?.order ?? this.#floorOrder;
  }

  /** The lowest number after which everything is remembered. */
  get floorSeq(): number {
    return this.#floor.seq;
  }

  /**
   * Whether the event at this position is the one that is remembered; `undefined` where that is not
   * known.
   */
  matches(position: TopicPosition): boolean | undefined {
    if (position.seq === 0) return this.#floor.seq === 0 ? true : undefined;
    if (position.seq === this.#floor.seq) return position.epoch === this.#floor.epoch;
    const event = this.#events[position.seq - this.#floor.seq - 1]?.event;
    return event === undefined ? undefined : event.place.epoch === position.epoch;
  }

  /**
   * Events with a number above `seq` up to `to`; `undefined` where the oldest of them is not
   * remembered.
   */
  after(seq: number, to: number): readonly DurableEvent[] | undefined {
    if (seq < this.#floor.seq) return undefined;
    return this.#events
      .slice(seq - this.#floor.seq, Math.max(0, to - this.#floor.seq))
      .map((remembered) => remembered.event);
  }

  /**
   * Where the topic stood after the broadcast `order`; `undefined` where that is longer ago than
   * remembered.
   */
  positionAt(order: number): TopicPosition | undefined {
    if (order < this.#floorOrder) return undefined;
    // The number of remembered events that were broadcast up to then.
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.order ?? 0) <= order) low = middle + 1;
      else high = middle;
    }
    const place = this.#events[low - 1]?.event.place;
    return place === undefined ? this.#floor : { seq: place.seq, epoch: place.epoch };
  }
}
