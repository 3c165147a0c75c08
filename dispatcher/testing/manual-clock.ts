/** A clock that a test moves. */

import type { Clock } from "@ovation/protocol";

export class ManualClock implements Clock {
  #now = 0;
  #serial = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const id = ++this.#serial;
    this.#timers.set(id, { at: this.#now + ms, run });
    return () => void this.#timers.delete(id);
  }

  /** Runs what falls due, in its order, and lets promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      const [id, next] =
        [...this.#timers].toSorted(([, left], [, right]) => left.at - right.at)[0] ?? [];
      if (id === undefined || next === undefined || next.at > end) break;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}
