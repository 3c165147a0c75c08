/**
 * Replay turns: which connection writes its next page of a replay. One turn is one page; addresses
 * take turns, and small replays go first. After a few milliseconds replays yield to the event loop,
 * so that broadcasts are in time however many clients return.
 */

import { REPLAY_SLICE_MS, REPLAY_SLICE_PAGES_MAX } from "../limits.ts";
import { FairQueue } from "./fair-queue.ts";

export interface ReplayTurnsOptions {
  /** Runs something one turn of the event loop later. */
  soon(run: () => void): void;
  /** ms since some moment, with fractions. */
  elapsed(): number;
}

export class ReplayTurns {
  readonly #options: ReplayTurnsOptions;
  readonly #waiting = new FairQueue<() => void>();
  #isScheduled = false;

  constructor(options: ReplayTurnsOptions) {
    this.#options = options;
  }

  /** Connections that wait for a turn. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Calls `write` when it is the connection's turn, and resolves then. What it throws rejects. */
  take(address: string, isSmall: boolean, write: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          write();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.push(address, turn, isSmall);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    this.#options.soon(() => {
      this.#isScheduled = false;
      this.#slice();
      this.#schedule();
    });
  }

  #slice(): void {
    const { elapsed } = this.#options;
    const until = elapsed() + REPLAY_SLICE_MS;
    // At least one, however late it is.
    for (let page = 0; page < REPLAY_SLICE_PAGES_MAX; page++) {
      const turn = this.#waiting.shift();
      if (turn === undefined) return;
      turn();
      if (elapsed() >= until) return;
    }
  }
}
