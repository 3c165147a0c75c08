/** An SQLite file: WAL, `synchronous = NORMAL` (fsync is kept for comments, which are in the log). */

import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  type SqlSchema,
  StoreUnavailableError,
  StoreUnusableError,
} from "./sql-database.ts";

/**
 * Whoever is in a transaction is alone in the file, also among the connections of this process: a
 * second one that waited for SQLite's own lock would hold up the very thread that has to release it.
 */
const queues = new Map<string, Promise<unknown>>();
let memories = 0;
/** How long another process may hold the file: this thread, which serves all streams, waits. */
const BUSY_TIMEOUT_MS = 100;
/** Larger files are not checked when they are opened. */
export const CHECK_BYTES_MAX = 128 * 1024 * 1024;

/** ":memory:" for no file. A file of a later version, or that is no such file, is refused untouched. */
export function openSqliteDatabase(path: string, schema: SqlSchema): SqlDatabase {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const isThere = path !== ":memory:" && existsSync(path) && statSync(path).size > 0;
  const database = new Database(path, { create: true });
  try {
    if (isThere) checkPages(database, path);
    migrate(database, path, schema.migrations);
  } catch (error) {
    database.close();
    throw unusableFrom(error, path) ?? error;
  }
  const statements = new Map<
    string,
    ReturnType<typeof database.query<SqlRow, (string | number | null)[]>>
  >();
  const queue = path === ":memory:" ? `memory ${++memories}` : resolve(path);

  let closed = false;

  const runner: SqlRunner = {
    async run(text, values = []) {
      if (closed) throw new StoreUnavailableError("the database is closed");
      let statement = statements.get(text);
      if (statement === undefined) {
        statement = database.query(text.replace(/\$([0-9]+)/g, "?$1"));
        // Statements of many rows differ by their number of rows only: bounded by the rows of a flush.
        statements.set(text, statement);
      }
      try {
        return statement.all(...values);
      } catch (error) {
        throw unavailableFrom(error, path) ?? error;
      }
    },
  };

  function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = (queues.get(queue) ?? Promise.resolve()).then(work);
    const done = mine.then(
      () => leave(),
      () => leave(),
    );
    function leave(): void {
      if (queues.get(queue) === done) queues.delete(queue);
    }
    queues.set(queue, done);
    return mine;
  }

  return {
    run: (text, values) => alone(() => runner.run(text, values)),
    transaction: (work) =>
      alone(async () => {
        await runner.run("BEGIN IMMEDIATE");
        try {
          const result = await work(runner);
          await runner.run("COMMIT");
          return result;
        } catch (error) {
          if (database.inTransaction) await runner.run("ROLLBACK");
          throw error;
        }
      }),
    close: () =>
      alone(async () => {
        closed = true;
        database.close();
      }),
  };
}

/** Trees, records, and that indexes say what their tables say. Half a second for 100 MB. */
function checkPages(database: Database, path: string): void {
  if (statSync(path).size > CHECK_BYTES_MAX) return;
  const row = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").get();
  if (row?.integrity_check !== "ok") throw unusable(path, row?.integrity_check ?? "no answer");
}

function unusable(path: string, found: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError(
    `${path} is not a database of Ovation, or is damaged (${found}). Restore it from a backup, or move it away to start with an empty one`,
    { cause },
  );
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const { user_version: version } = database.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > migrations.length) {
    throw new StoreUnusableError(
      `${path} is of version ${version}; this program knows versions up to ${migrations.length}`,
    );
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  for (let next = version; next < migrations.length; next++) {
    database
      .transaction(() => {
        database.exec(migrations[next] ?? "");
        database.exec(`PRAGMA user_version = ${next + 1}`);
      })
      .immediate();
  }
}

function unusableFrom(error: unknown, path: string): StoreUnusableError | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  const isDamage =
    /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? "") ||
    error.message.includes("unsupported file format");
  return isDamage ? unusable(path, error.message, error) : undefined;
}

/** What the disk says; anything else is a programmer's error and stays one. */
function unavailableFrom(error: unknown, path: string): StoreUnavailableError | undefined {
  const known = /^SQLITE_(FULL|BUSY|IOERR|LOCKED|CANTOPEN|READONLY|CORRUPT|NOTADB)/;
  if (!(error instanceof SQLiteError) || !known.test(error.code ?? "")) return undefined;
  return new StoreUnavailableError(`the database ${path} does not answer: ${error.code}`, {
    cause: error,
  });
}
