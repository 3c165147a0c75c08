/**
 * The upkeep of an installation: what is past its retention goes, as fast as new data comes. One
 * process of the installation does it (`LogKeeper.claimUpkeep`); the others look now and then
 * whether that process is still there.
 */

import type { LogKeeper } from "@ovation/log";
import { type Clock, steadyClock } from "@ovation/protocol";

/** A claim lasts this long; the process that holds it renews it with every pass. */
const CLAIM_MS = 3 * 60_000;
/** A process that does not hold the claim asks this often. */
const ASK_MS = 30_000;
/** Between two passes, at least … */
export const PASS_EVERY_MS_MIN = 1_000;
/** … and at most: with nothing to drop, a pass takes at most one part in PASS_SHARE of the time. */
export const PASS_EVERY_MS_MAX = 60_000;
const PASS_SHARE = 50;
/** Between two passes while there is more to drop, so that appends go in between. */
const PASS_MORE_MS = 20;

/** One kind of data that ends. */
export interface UpkeepTask {
  /** For the log: `retention of the log`. */
  readonly name: string;
  /** Drops a bounded part of what is past its retention; answers whether more waits. */
  run(): Promise<{ readonly more: boolean }>;
}

export interface UpkeepOptions {
  readonly keeper: Pick<LogKeeper, "claimUpkeep">;
  readonly tasks: readonly UpkeepTask[];
  readonly clock?: Clock;
  onFailure(what: string, error: unknown): void;
}

/** Events that one pass drops. */
export const PASS_EVENTS_MAX = 5_000;

export function retentionOf(log: LogKeeper): UpkeepTask {
  return {
    name: "retention of the log",
    run: async () => ({ more: (await log.trim(PASS_EVENTS_MAX)) >= PASS_EVENTS_MAX }),
  };
}

/** Begins; answers what ends it, and resolves when the pass in flight is done. */
export function startUpkeep(options: UpkeepOptions): () => Promise<void> {
  const { keeper, tasks, onFailure } = options;
  const clock = options.clock ?? steadyClock;
  let stopped = false;
  let wake: (() => void) | undefined;

  /** Answers how long to wait for the next pass. */
  async function pass(): Promise<number> {
    try {
      if (!(await keeper.claimUpkeep(CLAIM_MS))) return ASK_MS;
    } catch (error) {
      onFailure("upkeep", error);
      return ASK_MS;
    }
    const startedAt = clock.now();
    let isMore = false;
    for (const { name, run } of tasks) {
      if (stopped) break;
      try {
        isMore = (await run()).more || isMore;
      } catch (error) {
        onFailure(name, error);
      }
    }
    if (isMore) return PASS_MORE_MS;
    const took = clock.now() - startedAt;
    return Math.min(PASS_EVERY_MS_MAX, Math.max(PASS_EVERY_MS_MIN, took * PASS_SHARE));
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const waitMs = await pass();
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(waitMs, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  const running = run();
  return async () => {
    stopped = true;
    wake?.();
    await running;
  };
}
