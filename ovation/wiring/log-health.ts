/**
 * Whether the log takes appends, for `readyz`: what the last append was told, and what a probe says.
 * A probe sees a lock and a full disk; a quota, or a disk that fails, only an append meets.
 */

import {
  type Log,
  LogDamagedError,
  LogFullError,
  type LogKeeper,
  LogUnavailableError,
  LogUnusableError,
} from "@ovation/log";
import type { Clock } from "@ovation/protocol";

/** An append that failed counts for this long, unless a later one succeeds. */
export const FAILED_APPEND_MS = 15_000;

export interface WatchedLog {
  /** The same log; its appends are noted. */
  readonly log: Log & LogKeeper;
  /** Rejects with the reason why appends fail. */
  ask(): Promise<void>;
}

/** `onDamage` hears of each read that is refused because an event is not what was written. */
export function watchLog(
  log: Log & LogKeeper,
  clock: Clock,
  onDamage: (what: string) => void = () => undefined,
): WatchedLog {
  let failed: { readonly at: number; readonly error: Error } | undefined;

  async function append(...call: Parameters<Log["append"]>): ReturnType<Log["append"]> {
    try {
      const appended = await log.append(...call);
      failed = undefined;
      return appended;
    } catch (error) {
      if (isLogs(error)) failed = { at: clock.now(), error };
      throw error;
    }
  }

  return {
    log: {
      append,
      read: (...call) =>
        log.read(...call).catch((error: unknown) => {
          if (error instanceof LogDamagedError) onDamage(error.message);
          throw error;
        }),
      heads: (...call) => log.heads(...call),
      headAt: (...call) => log.headAt(...call),
      changes: (...call) => log.changes(...call),
      wrote: (...call) => log.wrote(...call),
      reached: (...call) => log.reached(...call),
      tally: (...call) => log.tally(...call),
      trim: (...call) => log.trim(...call),
      claimUpkeep: (...call) => log.claimUpkeep(...call),
      probe: () => log.probe(),
      clear: (...call) => log.clear(...call),
      close: () => log.close(),
    },
    async ask() {
      await log.probe();
      if (failed !== undefined && clock.now() - failed.at < FAILED_APPEND_MS) throw failed.error;
    },
  };
}

/** Not those of the caller's making. */
function isLogs(error: unknown): error is Error {
  return (
    error instanceof LogFullError ||
    error instanceof LogUnavailableError ||
    error instanceof LogUnusableError
  );
}
