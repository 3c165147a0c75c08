/**
 * A lock of one process among several: SQLite's own, on a file that holds nothing else. It works
 * wherever SQLite can store data, and the system releases it when the process ends.
 */

import { Database, SQLiteError } from "bun:sqlite";

export interface SqliteLock {
  release(): void;
}

/** Undefined where another process has it for `waitMsMax`. Throws where no file can be made. */
export function acquireSqliteLock(path: string, waitMsMax: number): SqliteLock | undefined {
  const lock = new Database(path);
  try {
    lock.run(`PRAGMA busy_timeout = ${waitMsMax}`);
    lock.run("BEGIN EXCLUSIVE");
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return undefined;
    throw error;
  }
}
