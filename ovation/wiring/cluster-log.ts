/** The database that dispatchers and comments processes of a cluster share: log and stores. */

import { DatabaseStatementError, DatabaseUnavailableError } from "@ovation/database";
import { type Log, type LogKeeper, LogUnavailableError, openLog } from "@ovation/log";
import { systemClock } from "@ovation/protocol";
import type { Settings } from "../settings/settings.ts";
import type { Dependency } from "./dependencies.ts";

const RETRY_MS = 1000;

/**
 * Opens the log, and waits for a database that is unreachable: processes of a cluster may start in
 * any order. Rejects where this version may not write to the database.
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

/** Retries while the database is unreachable. */
export async function untilReachable<Value>(
  database: Dependency,
  open: () => Promise<Value>,
): Promise<Value> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      database.away(error instanceof Error ? error.message : String(error));
      await new Promise<void>((resolve) => systemClock.after(RETRY_MS, resolve));
    }
  }
}

function isUnreachable(error: unknown): boolean {
  return (
    error instanceof LogUnavailableError ||
    error instanceof DatabaseUnavailableError ||
    // A failed statement is retried as well: it does not end the process.
    error instanceof DatabaseStatementError
  );
}
