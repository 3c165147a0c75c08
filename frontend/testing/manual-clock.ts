/** A clock that moves only when a test says so. */

import type { Clock } from "@ovation/protocol";

export interface ManualClock extends Clock {
  /** Moves on by `ms`, running what falls due in order; promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Timers that wait. */
  readonly pending: number;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

export function createManualClock(start = 1_000_000_000): ManualClock {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const [first] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (first === undefined) break;
        timers.delete(first);
        now = Math.max(now, first.at);
        first.run();
        await settle();
      }
      now = until;
    },
    get pending() {
      return timers.size;
    },
  };
}
