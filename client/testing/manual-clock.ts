/** A clock that only moves when a test says so, and numbers that only seem random. */

import type { Clock } from "@ovation/protocol";

export interface ManualClock extends Clock {
  /** Moves on by `ms`, running what falls due in order; lets promises settle in between. */
  advance(ms: number): Promise<void>;
  readonly pending: number;
}

/** Lets everything that waits only for promises go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

export function createManualClock(start = 1_000_000): ManualClock {
  let now = start;
  let count = 0;
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();

  function due(until: number): number | undefined {
    let first: number | undefined;
    for (const [id, { at }] of timers) {
      if (at <= until && (first === undefined || at < (timers.get(first)?.at ?? 0))) first = id;
    }
    return first;
  }

  return {
    now: () => now,
    after(ms, run) {
      const id = count++;
      timers.set(id, { at: now + Math.max(0, ms), run });
      return () => timers.delete(id);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let id = due(until); id !== undefined; id = due(until)) {
        const timer = timers.get(id);
        timers.delete(id);
        now = Math.max(now, timer?.at ?? now);
        timer?.run();
        await settle();
      }
      now = until;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
