/** The batches of one link that were sent and are not acknowledged yet, oldest first. */

import { countDurable, countGaps, type Event } from "@ovation/protocol";

interface Batch {
  /** Without announcements of gaps; 0 for a heartbeat. */
  readonly events: number;
  readonly durable: number;
}

export class BatchesInFlight {
  /** Events that were acknowledged, and events that were in flight when the connection ended. */
  acknowledged = 0;
  lost = 0;
  readonly durable = { acknowledged: 0, lost: 0 };
  #batches: Batch[] = [];
  /** Batches of this connection that the frontend has acknowledged. */
  #count = 0;

  get size(): number {
    return this.#batches.length;
  }

  add(events: readonly Event[]): void {
    this.#batches.push({
      events: events.length - countGaps(events),
      durable: countDurable(events),
    });
  }

  /** `count`: the frontend has taken this many batches of this connection. False if it cannot. */
  acknowledge(count: number): boolean {
    if (count <= this.#count || count > this.#count + this.#batches.length) return false;
    for (; this.#count < count; this.#count++) {
      const batch = this.#batches.shift();
      this.acknowledged += batch?.events ?? 0;
      this.durable.acknowledged += batch?.durable ?? 0;
    }
    return true;
  }

  /** The connection ended; the next one counts from 0. */
  lose(): void {
    for (const { events, durable } of this.#batches) {
      this.lost += events;
      this.durable.lost += durable;
    }
    this.#batches = [];
    this.#count = 0;
  }
}
