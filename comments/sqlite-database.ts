/** A SQLite file of the comments service: opened, checked, migrated; errors in one form. */

import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { StoreUnavailableError, StoreUnusableError } from "./video-store.ts";

export interface SqliteFile {
  readonly database: Database;
  /** Runs `work` in one immediate transaction. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

/**
 * Opens `path` (":memory:" for none) at the version that `migrations` lead to: the n-th one leads from
 * version n to n + 1. A file of a later version, or that is no such file, is refused untouched.
 */
export function openSqlite(path: string, migrations: readonly string[]): SqliteFile {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, { create: true, strict: true });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    const version = (database.query("PRAGMA user_version").get() as { user_version: number }).user_version;
    if (version > migrations.length) {
      throw new StoreUnusableError(`${path} is of version ${version}; this program knows versions up to ${migrations.length}`);
    }
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    for (let next = version; next < migrations.length; next++) {
      database
        .transaction(() => {
          database.exec(migrations[next] ?? "");
          database.exec(`PRAGMA user_version = ${next + 1}`);
        })
        .immediate();
    }
  } catch (error) {
    database.close();
    if (error instanceof SQLiteError && (error.code === "SQLITE_NOTADB" || error.code === "SQLITE_CORRUPT")) {
      throw new StoreUnusableError(`${path} is not a database of Ovation, or is damaged`, { cause: error });
    }
    throw error;
  }
  return {
    database,
    transaction(work) {
      return guarded(() => database.transaction(work).immediate());
    },
    close() {
      database.close();
    },
  };
}

/** Turns what the disk says into {@link StoreUnavailableError}; a programmer's error stays one. */
export function guarded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof SQLiteError && /^SQLITE_(FULL|BUSY|IOERR|LOCKED|CANTOPEN|READONLY|CORRUPT|NOTADB)/.test(error.code ?? "")) {
      throw new StoreUnavailableError(`the database of videos does not answer: ${error.code}`, { cause: error });
    }
    throw error;
  }
}
