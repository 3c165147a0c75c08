/** When something was broken, or its effects may have lasted. */

import type { Injected } from "../history/history.ts";

export interface FaultTimes {
  /** Whether something was broken at some moment of this time, ms. */
  touch(from: number, to: number): boolean;
  /** How much of this time nothing was broken, ms. */
  wholeMs(from: number, to: number): number;
}

/** `beforeMs`, `afterMs`: by so much each fault is taken to be longer. */
export function createFaultTimes(
  faults: readonly Injected[],
  { beforeMs, afterMs }: { beforeMs: number; afterMs: number },
): FaultTimes {
  /** Ascending, without overlaps. */
  const times: { readonly from: number; to: number }[] = [];
  for (const fault of [...faults].sort((left, right) => left.from - right.from)) {
    const [from, to] = [fault.from - beforeMs, fault.to + afterMs];
    const last = times.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else times.push({ from, to });
  }

  /** The index of the first time that ends not before `at`. */
  function firstEnding(at: number): number {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle]?.to ?? Number.POSITIVE_INFINITY) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    touch(from, to) {
      const time = times[firstEnding(from)];
      return time !== undefined && time.from <= to;
    },
    wholeMs(from, to) {
      let broken = 0;
      for (let index = firstEnding(from); index < times.length; index++) {
        const time = times[index];
        if (time === undefined || time.from > to) break;
        broken += Math.min(to, time.to) - Math.max(from, time.from);
      }
      return to - from - broken;
    },
  };
}
