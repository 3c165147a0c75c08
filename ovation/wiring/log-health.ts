/**
 * Whether the log takes appends, for `readyz`: the result of the last append, and of a probe. A
 * probe sees a lock and a full disk; only an append meets a quota or a disk that fails.
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
  /** The same log, with its appends observed. */
  readonly log: Log & LogKeeper;
  /** Rejects with the reason why appends fail. */
  ask(): Promise<void>;
}

/** `onDamage`: a read was refused because an event is not what was written. */
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
      if (isOfLog(error)) failed = { at: clock.now(), error };
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

/** Whether the log caused it, not the caller. */
function isOfLog(error: unknown): error is Error {
  return (
    error instanceof LogFullError ||
    error instanceof LogUnavailableError ||
    error instanceof LogUnusableError
  );
}
