/**
 * The stamp that ids carry says: every durable event committed up to here was broadcast before this
 * frame. So a report's stamp waits until what the report named has not only arrived but left: an
 * event that rests in its channel, or is still being pulled, was not broadcast yet.
 */

import type { Stamp } from "@ovation/protocol";

/** Something that a report named and that has not been broadcast. */
export interface Outstanding {
  isBroadcast(): boolean;
}

interface Pending {
  readonly stamp: Stamp;
  readonly outstanding: Outstanding[];
}

export class Stamps {
  /** The newest that may be told. */
  told: Stamp = 0;
  readonly #pending: Pending[] = [];

  /** Reports whose events have not all been broadcast. */
  get pending(): number {
    return this.#pending.length;
  }

  add(stamp: Stamp, outstanding: Outstanding[]): void {
    this.#pending.push({ stamp, outstanding });
    this.settle();
  }

  /** Called before a broadcast is made. In order: a stamp may be told only when those of all earlier reports may. */
  settle(): void {
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const { outstanding } = first;
      for (let last = outstanding.at(-1); last !== undefined; last = outstanding.at(-1)) {
        if (!last.isBroadcast()) return;
        outstanding.pop();
      }
      this.told = Math.max(this.told, first.stamp);
      this.#pending.shift();
    }
  }
}
