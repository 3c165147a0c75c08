/**
 * Many who ask for the same thing at once share one read of it: thousands of viewers who join a video
 * together all want its latest page.
 *
 * Nobody gets an answer that was read before they asked: whoever has just posted finds their comment,
 * and a page is never behind the head that a connection announced earlier. So nothing is cached; the
 * first few of a window read at once, the others wait for one read at its end.
 */

import { type Clock, Recent } from "@ovation/protocol";
import { SHARED_READ_KEYS_MAX, SHARED_READ_WINDOW_MS, SHARED_READS_FREE } from "./limits.ts";

export interface SharedReads<Value> {
  get(key: string, read: () => Promise<Value>): Promise<Value>;
}

interface Window {
  readonly endsAt: number;
  reads: number;
  next: Promise<unknown> | undefined;
}

export function createSharedReads<Value>(clock: Clock): SharedReads<Value> {
  // A window with a read at its end is remembered until that read has begun, and it follows at once.
  const windows = new Recent<Window>(clock, {
    ageMs: 2 * SHARED_READ_WINDOW_MS,
    entriesMax: SHARED_READ_KEYS_MAX,
  });

  function open(key: string, reads: number): void {
    windows.set(key, { endsAt: clock.now() + SHARED_READ_WINDOW_MS, reads, next: undefined });
  }

  return {
    get(key, read) {
      const window = windows.get(key);
      if (window === undefined || (window.next === undefined && clock.now() >= window.endsAt)) {
        open(key, 1);
        return read();
      }
      if (window.next !== undefined) return window.next as Promise<Value>;
      if (window.reads < SHARED_READS_FREE) {
        window.reads++;
        return read();
      }
      const next = new Promise<Value>((resolve) => {
        clock.after(Math.max(0, window.endsAt - clock.now()), () => {
          // The next window's first read; those who come from now on are after it.
          open(key, SHARED_READS_FREE);
          resolve(read());
        });
      });
      window.next = next;
      return next;
    },
  };
}
