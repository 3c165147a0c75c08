/** The SQLite form of `sql-database.ts`: WAL, `synchronous = NORMAL` (only the log needs fsync). */

import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  DatabaseDamagedError,
  DatabaseUnavailableError,
  DatabaseUnusableError,
} from "../errors.ts";
import { SQLITE_CHECK_BYTES_MAX } from "../limits.ts";
import type {
  OnDamage,
  SqlDatabase,
  SqlRow,
  SqlRunner,
  SqlSchema,
  SqlValue,
} from "../sql-database.ts";
import { DamagedRow, RowChecksums, sealAllRows } from "./row-checksums.ts";
import { damageOfWal } from "./sqlite-wal.ts";

/**
 * By file: transactions are serial in this process. A second one that waited for SQLite's own lock
 * would block the thread that has to release it.
 */
const queues = new Map<string, Promise<unknown>>();
let memories = 0;
/** How long another process may hold the file: this thread, which serves all streams, waits. */
const BUSY_TIMEOUT_MS = 100;
/** Added to the version in `PRAGMA user_version` where rows have checksums. */
const CHECKSUMS = 1_000;
const WRITE = /^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/;

/** ":memory:" for no file. Rejects a file of a later version or another format, unchanged. */
export function openSqliteDatabase(
  path: string,
  schema: SqlSchema,
  onDamage: OnDamage = () => undefined,
): SqlDatabase {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const isThere = path !== ":memory:" && existsSync(path) && statSync(path).size > 0;
  if (isThere) sayDamageOfWal(path, onDamage);
  const database = new Database(path, { create: true });
  const checksums = new RowChecksums(database);
  try {
    if (isThere) checkPages(database, path);
    migrate(database, path, schema.migrations);
    checksums.watch();
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

  function ask(text: string, values: readonly SqlValue[]): SqlRow[] {
    if (closed) throw new DatabaseUnavailableError("the database is closed");
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.query(text.replace(/\$([0-9]+)/g, "?$1"));
      // Bounded: statements differ by their number of rows, which a flush bounds.
      statements.set(text, statement);
    }
    return statement.all(...values);
  }

  /** Errors of SQLite and of checksums as this store's. */
  function explained<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof DamagedRow) throw refuse(error);
      throw unavailableFrom(error, path) ?? error;
    }
  }

  function refuse(row: DamagedRow): DatabaseDamagedError {
    const what = `${path} is damaged: ${row.message}`;
    onDamage(what);
    return new DatabaseDamagedError(`${what}. Restore it from a backup`);
  }

  function write(text: string, values: readonly SqlValue[], how?: "replaces"): SqlRow[] {
    const rows = ask(text, values);
    const [, , table = ""] = WRITE.exec(text) ?? [];
    checksums.seal(table, how === "replaces" ? new Set<unknown>(values) : undefined);
    return rows;
  }

  const runner: SqlRunner = {
    run: async (text, values = [], how) => explained(() => write(text, values, how)),
    async select(table, rest, values = [], damaged) {
      const rows = explained(() => ask(`SELECT * FROM ${table} ${rest}`, values));
      return rows.filter((row) => {
        const damage = checksums.damageOf(table, row);
        if (damage === undefined) return true;
        const refusal = refuse(damage);
        if (damaged === undefined) throw refusal;
        return false;
      });
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

  const transact = <Result>(work: (inside: SqlRunner) => Promise<Result>): Promise<Result> =>
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
    });

  return {
    // A row and its checksum are written together.
    run: (text, values, how) =>
      WRITE.test(text)
        ? transact((inside) => inside.run(text, values, how))
        : alone(() => runner.run(text, values)),
    select: (...call) => alone(() => runner.select(...call)),
    transaction: transact,
    close: () =>
      alone(async () => {
        closed = true;
        database.close();
      }),
  };
}

/** Trees, records, and that indexes say what their tables say. Half a second for 100 MB. */
function checkPages(database: Database, path: string): void {
  if (statSync(path).size > SQLITE_CHECK_BYTES_MAX) return;
  const row = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").get();
  if (row?.integrity_check !== "ok") throw unusable(path, row?.integrity_check ?? "no answer");
}

function unusable(path: string, found: string, cause?: unknown): DatabaseUnusableError {
  return new DatabaseUnusableError(
    `${path} is not a database of Ovation, or is damaged (${found}). ` +
      "Restore it from a backup, or move it away to start with an empty one",
    { cause },
  );
}

/**
 * Not a reason to refuse: the last moments before the power went were not synced. After a damage
 * they are lost in the same way, and the operator hears of it.
 */
function sayDamageOfWal(path: string, onDamage: OnDamage): void {
  const damage = damageOfWal(path);
  if (damage !== undefined)
    onDamage(`${path} lost its last changes: ${damage}. What was stored before them is there`);
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const { user_version: found } = database.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  const version = found % CHECKSUMS;
  const known = migrations.length;
  if (version > known || found >= 2 * CHECKSUMS) {
    throw new DatabaseUnusableError(
      `${path} is of version ${found}; this program knows versions up to ${known + CHECKSUMS}`,
    );
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  // Previews of messages, names and titles: what is deleted is overwritten with zeros.
  database.exec("PRAGMA secure_delete = ON");
  database.exec("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
  if (found === known + CHECKSUMS) return;
  database
    .transaction(() => {
      for (const migration of migrations.slice(version)) database.exec(migration);
      sealAllRows(database);
      database.exec(`PRAGMA user_version = ${known + CHECKSUMS}`);
    })
    .immediate();
}

function unusableFrom(error: unknown, path: string): DatabaseUnusableError | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  const isDamage =
    /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? "") ||
    error.message.includes("unsupported file format");
  return isDamage ? unusable(path, error.message, error) : undefined;
}

/** What the disk says; anything else is a programmer's error and stays one. */
function unavailableFrom(error: unknown, path: string): DatabaseUnavailableError | undefined {
  const known = /^SQLITE_(FULL|BUSY|IOERR|LOCKED|CANTOPEN|READONLY|CORRUPT|NOTADB)/;
  if (!(error instanceof SQLiteError) || !known.test(error.code ?? "")) return undefined;
  return new DatabaseUnavailableError(`the database ${path} does not answer: ${error.code}`, {
    cause: error,
  });
}
