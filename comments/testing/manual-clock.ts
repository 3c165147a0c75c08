/** Time that moves when a test says so. */

import type { Clock } from "@ovation/protocol";

export interface ManualClock extends Clock {
  /** Runs what falls due, in order, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
}

export function createManualClock(startAt = 1_000_000): ManualClock {
  let at = startAt;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  return {
    now: () => at,
    after(ms, run) {
      const timer = { at: at + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    async advance(ms) {
      const until = at + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        at = next.at;
        timers = timers.filter((each) => each !== next);
        next.run();
        await Bun.sleep(0);
      }
      at = until;
    },
  };
}
