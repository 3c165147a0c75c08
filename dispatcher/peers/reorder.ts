/**
 * Restores the order of batches of one dispatcher of a peer: several are in flight at a time, each
 * on a connection of its own. An early batch waits a little for the ones before it.
 */

import type { Clock, Event } from "@ovation/protocol";

/** How long a batch waits for an earlier one, which is delivered late after that. */
export const REORDER_MS = 50;
/** Batches that wait for an earlier one; beyond, all are delivered as they are. */
export const HELD_MAX = 64;

export interface ReorderOptions {
  readonly clock: Clock;
  deliver(events: readonly Event[]): void;
}

export class Reorder {
  readonly #options: ReorderOptions;
  readonly #held = new Map<number, readonly Event[]>();
  #next: number | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ReorderOptions) {
    this.#options = options;
  }

  /** Numbers count from 1; the first one that arrives starts the order. */
  accept(number: number, events: readonly Event[]): void {
    this.#next ??= number;
    if (number < this.#next) {
      this.#options.deliver(events);
      return;
    }
    this.#held.set(number, events);
    this.#deliverInOrder(this.#next);
    if (this.#held.size > HELD_MAX) this.flush();
    else if (this.#held.size > 0)
      this.#cancelTimer ??= this.#options.clock.after(REORDER_MS, () => this.flush());
  }

  /** Delivers the batches that wait. */
  flush(): void {
    this.#clearTimer();
    for (const number of [...this.#held.keys()].sort((left, right) => left - right))
      this.#deliver(number, this.#held.get(number) ?? []);
  }

  #deliverInOrder(first: number): void {
    let number = first;
    for (
      let events = this.#held.get(number);
      events !== undefined;
      events = this.#held.get(++number)
    )
      this.#deliver(number, events);
    if (this.#held.size === 0) this.#clearTimer();
  }

  #deliver(number: number, events: readonly Event[]): void {
    this.#held.delete(number);
    this.#next = number + 1;
    this.#options.deliver(events);
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
