/**
 * How many live events of a topic preceded each of its past batches, for batches that have left the
 * ring. Two numbers a batch: a client whose connection was closed because it did not read returns
 * with the order of the last batch that it received, long after that batch is evicted.
 */

import { LIVE_TALLY_BATCHES_MAX } from "./limits.ts";

export class LiveTally {
  #orders: number[] = [];
  #liveBefore: number[] = [];

  /** Batches in it. */
  get size(): number {
    return this.#orders.length;
  }

  /** In the order of the batches. */
  add(order: number, liveBefore: number): void {
    if (this.size >= LIVE_TALLY_BATCHES_MAX) {
      this.#orders = this.#orders.slice(LIVE_TALLY_BATCHES_MAX / 2);
      this.#liveBefore = this.#liveBefore.slice(LIVE_TALLY_BATCHES_MAX / 2);
    }
    this.#orders.push(order);
    this.#liveBefore.push(liveBefore);
  }

  /** Live events before the first batch after `order`; `undefined` where it has no such batch. */
  liveAt(order: number): number | undefined {
    let [low, high] = [0, this.#orders.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#orders[middle] ?? 0) > order) high = middle;
      else low = middle + 1;
    }
    return this.#liveBefore[low];
  }
}
