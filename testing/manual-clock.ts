/** A clock that moves only when a test advances it. */

import type { Clock } from "@ovation/protocol";

export interface ManualClock extends Clock {
  /** Moves on by `ms`, running what falls due in order. Promises settle before and after each. */
  advance(ms: number): Promise<void>;
  /** The same in one synchronous call: what waits for a promise has not run when it returns. */
  advanceNow(ms: number): void;
  /** Timers that have not run and were not cancelled. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** `start`: ms since 1970. Timers of the same moment run in the order in which they were set. */
export function createManualClock(start = 1_700_000_000_000): ManualClock {
  let now = start;
  const timers = new Set<Timer>();

  /** Takes the first timer that is due by `end`, and moves the clock to it. */
  function takeDue(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers)
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    if (first === undefined) return undefined;
    timers.delete(first);
    now = Math.max(now, first.at);
    return first;
  }

  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let due = takeDue(end); due !== undefined; due = takeDue(end)) {
        due.run();
        await settle();
      }
      now = end;
    },
    advanceNow(ms) {
      const end = now + ms;
      for (let due = takeDue(end); due !== undefined; due = takeDue(end)) due.run();
      now = end;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Resolves when pending promises and what the event loop had ready have run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
