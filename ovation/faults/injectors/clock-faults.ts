import type { Fault } from "./fault.ts";
import { finder } from "./find-target.ts";
import type { ProcessClock } from "./process-clock.ts";

/** Until all threads of a process have the new time: libfaketime reads it once a second. */
const JUMP_TAKES_MS_MAX = 2000;

/** Clocks that jump forward or back, and are set right again. */
export function clockFaults(
  clocks: readonly ProcessClock[],
  jumpsMs: readonly number[],
  whose = "clock",
): readonly Fault[] {
  if (clocks.length === 0) return [];
  const named = finder(clocks, ({ name }) => name);
  const targets = clocks.map(({ name }) => name);
  return jumpsMs.map((jumpMs) => ({
    kind: `${whose} ${jumpMs > 0 ? "+" : "−"}${Math.abs(jumpMs) / 1000} s`,
    targets,
    forMs: [1500, 5000],
    async begin(target) {
      named(target).jump(jumpMs);
      await Bun.sleep(JUMP_TAKES_MS_MAX);
    },
    async end(target) {
      named(target).jump(0);
      await Bun.sleep(JUMP_TAKES_MS_MAX);
    },
  }));
}
