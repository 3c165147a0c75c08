/** The one place that chooses the form of a log; no other code depends on the form. */

import type { Clock, Policy } from "@ovation/protocol";
import type { Log, LogKeeper } from "./log.ts";
import { openPostgresLog } from "./postgres/log-postgres.ts";
import { openSqliteLog } from "./sqlite/log-sqlite.ts";

/** Where a persistent log is: a PostgreSQL database or an SQLite file. */
export type LogLocation = { readonly url: string } | { readonly path: string };

export type OpenLogOptions = LogLocation & {
  readonly clock?: Clock;
  readonly policy?: Policy;
  /** Once, with a sentence for the process's log: the database is behind a transaction pooler. */
  onPooler?(what: string): void;
};

/**
 * Rejects with LogUnusableError where the file or database is not ours or of a newer version, and
 * with LogUnavailableError while a database cannot be reached: try again.
 */
export function openLog(options: OpenLogOptions): Promise<Log & LogKeeper> {
  return "url" in options ? openPostgresLog(options) : openSqliteLog(options);
}
