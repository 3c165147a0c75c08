/** The database that the dispatchers and comments processes of a cluster share: the log and the store. */

import { DatabaseStatementError, DatabaseUnavailableError } from "@ovation/database";
import { type Log, type LogKeeper, LogUnavailableError, openLog } from "@ovation/log";
import { systemClock } from "@ovation/protocol";
import type { Settings } from "../settings/settings.ts";
import type { Dependency } from "./dependencies.ts";

const RETRY_MS = 1000;

/**
 * Opens the log, and waits for a database that is not there yet: processes of a cluster may start in any
 * order. Rejects where it is one that this version may not write.
 */
export async function openClusterLog(
  url: string,
  settings: Settings,
  database: Dependency,
): Promise<Log & LogKeeper> {
  return await untilReachable(database, () =>
    openLog({
      url,
      clock: systemClock,
      policy: settings.policy,
      onPooler: (what) => settings.logger.warn({ database: what }, "the database is pooled"),
    }),
  );
}

/** Tries until it is there. */
export async function untilReachable<Value>(
  database: Dependency,
  open: () => Promise<Value>,
): Promise<Value> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isAway(error)) throw error;
      database.away(error instanceof Error ? error.message : String(error));
      await new Promise<void>((resolve) => systemClock.after(RETRY_MS, resolve));
    }
  }
}

function isAway(error: unknown): boolean {
  return (
    error instanceof LogUnavailableError ||
    error instanceof DatabaseUnavailableError ||
    // Also a failed statement is reported and retried: it does not end the process.
    error instanceof DatabaseStatementError
  );
}
