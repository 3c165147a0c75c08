/** Durable events that arrived ahead of a missing number: they wait for it, bounded. */

import { type DurableEvent, sizeOf } from "@ovation/protocol";
import { HELD_BYTES_MAX, HELD_EVENTS_MAX } from "../limits.ts";

export class HeldEvents {
  readonly #events = new Map<number, DurableEvent>();
  #bytes = 0;

  get size(): number {
    return this.#events.size;
  }

  /**
   * Answers `false` where there is no room: the event is dropped, and pulled from the log later.
   */
  add(event: DurableEvent): boolean {
    const { seq } = event.place;
    this.delete(seq);
    const bytes = sizeOf(event);
    if (this.#events.size >= HELD_EVENTS_MAX || this.#bytes + bytes > HELD_BYTES_MAX) return false;
    this.#events.set(seq, event);
    this.#bytes += bytes;
    return true;
  }

  get(seq: number): DurableEvent | undefined {
    return this.#events.get(seq);
  }

  delete(seq: number): void {
    const event = this.#events.get(seq);
    if (event === undefined) return;
    this.#bytes -= sizeOf(event);
    this.#events.delete(seq);
  }

  deleteThrough(seq: number): void {
    for (const held of this.#events.keys()) if (held <= seq) this.delete(held);
  }
}
