/**
 * Concurrent reads of the same thing share one read: thousands of viewers who open a video at the
 * same time all request its latest page.
 *
 * No caller gets a value that was read before its call: an author finds the comment just posted,
 * and a page is never behind a head that a connection announced before. So nothing is cached: the
 * first few calls of a window read at once, the later ones share one read at its end.
 */

import { Cache, type Clock } from "@ovation/protocol";
import {
  COALESCED_READ_KEYS_MAX,
  COALESCED_READ_WINDOW_MS,
  COALESCED_READS_AT_ONCE,
} from "../limits.ts";

interface Window<Value> {
  readonly endsAt: number;
  reads: number;
  next: Promise<Value> | undefined;
}

export class CoalescedReads<Value> {
  readonly #clock: Clock;
  readonly #windows: Cache<Window<Value>>;

  constructor(clock: Clock) {
    this.#clock = clock;
    // The read at the end of a window starts within the window's second length at the latest.
    this.#windows = new Cache(clock, {
      ageMs: 2 * COALESCED_READ_WINDOW_MS,
      entriesMax: COALESCED_READ_KEYS_MAX,
    });
  }

  get(key: string, read: () => Promise<Value>): Promise<Value> {
    const window = this.#windows.get(key);
    if (window?.next !== undefined) return window.next;
    if (window === undefined || this.#clock.now() >= window.endsAt) {
      this.#open(key, 1);
      return read();
    }
    if (window.reads < COALESCED_READS_AT_ONCE) {
      window.reads++;
      return read();
    }
    window.next = new Promise<Value>((resolve) => {
      this.#clock.after(Math.max(0, window.endsAt - this.#clock.now()), () => {
        // This read is the first one of the next window; calls from now on come after it.
        this.#open(key, COALESCED_READS_AT_ONCE);
        resolve(read());
      });
    });
    return window.next;
  }

  #open(key: string, reads: number): void {
    const endsAt = this.#clock.now() + COALESCED_READ_WINDOW_MS;
    this.#windows.set(key, { endsAt, reads, next: undefined });
  }
}
