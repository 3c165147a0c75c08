/** The SQLite form of `sql-database.ts`: WAL, `synchronous = NORMAL` (only the log needs fsync). */

import type { Database, Statement } from "bun:sqlite";
import { resolve } from "node:path";
import {
  DatabaseDamagedError,
  DatabaseFullError,
  DatabaseUnavailableError,
  DatabaseUnusableError,
} from "../errors.ts";
import { SQLITE_STORE_BUSY_MS } from "../limits.ts";
import type {
  OnDamage,
  SqlDatabase,
  SqlRow,
  SqlRunner,
  SqlSchema,
  SqlValue,
} from "../sql-database.ts";
import { DamagedRow, RowChecksums, sealAllRows } from "./row-checksums.ts";
import { kindOfSqliteError } from "./sqlite-code.ts";
import {
  damageOfPages,
  inspectHeader,
  openSqliteFile,
  openSqliteFileToInspect,
} from "./sqlite-file.ts";
import { damageOfWal } from "./sqlite-wal.ts";

const MEMORY = ":memory:";
/** Added to the version in `PRAGMA user_version` where rows have checksums. */
const CHECKSUMS = 1_000;
const WRITE = /^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/;

/** ":memory:" for no file. Rejects a file of a later version or another format, unchanged. */
export function openSqliteDatabase(
  path: string,
  schema: SqlSchema,
  onDamage: OnDamage = () => undefined,
): SqlDatabase {
  try {
    if (path !== MEMORY && inspectHeader(path) !== "empty") inspectFile(path, onDamage);
    const database = openSqliteFile(path, {
      subject: path,
      schema: { migrations: schema.migrations, versionBase: CHECKSUMS, finish: sealAllRows },
      synchronous: "NORMAL",
      busyMs: SQLITE_STORE_BUSY_MS,
      pragmas: ["PRAGMA temp_store = MEMORY"],
    });
    return new SqliteDatabase(database, path, onDamage);
  } catch (error) {
    throw openErrorFrom(error, path);
  }
}

/**
 * Transactions of one file are serial in this process: a second one that waited for SQLite's own
 * lock would block the thread that has to release it.
 */
const queues = new Map<string, Promise<unknown>>();
let memories = 0;

class SqliteDatabase implements SqlDatabase {
  readonly #database: Database;
  readonly #path: string;
  readonly #queue: string;
  readonly #onDamage: OnDamage;
  readonly #checksums: RowChecksums;
  /** Bounded: statements differ by their number of rows, which a flush bounds. */
  readonly #statements = new Map<string, Statement<SqlRow, SqlValue[]>>();
  /** Within the queue: what a transaction runs, and what runs alone. */
  readonly #runner: SqlRunner = {
    run: async (text, values = [], how) => this.#explain(() => this.#write(text, values, how)),
    select: async (table, rest, values = [], damaged) =>
      this.#read(table, rest, values, damaged === "leave out"),
  };
  #isClosed = false;

  constructor(database: Database, path: string, onDamage: OnDamage) {
    this.#database = database;
    this.#path = path;
    this.#queue = path === MEMORY ? `memory ${++memories}` : resolve(path);
    this.#onDamage = onDamage;
    this.#checksums = new RowChecksums(database);
    this.#checksums.watch();
  }

  /** A row and its checksum are written together. */
  run(text: string, values?: readonly SqlValue[], how?: "replaces"): Promise<readonly SqlRow[]> {
    return WRITE.test(text)
      ? this.transaction((inside) => inside.run(text, values, how))
      : this.#enqueue(() => this.#runner.run(text, values));
  }

  select(...call: Parameters<SqlRunner["select"]>): Promise<readonly SqlRow[]> {
    return this.#enqueue(() => this.#runner.select(...call));
  }

  transaction<Result>(work: (runner: SqlRunner) => Promise<Result>): Promise<Result> {
    return this.#enqueue(async () => {
      await this.#runner.run("BEGIN IMMEDIATE");
      try {
        const result = await work(this.#runner);
        await this.#runner.run("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.inTransaction) await this.#runner.run("ROLLBACK");
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#enqueue(async () => {
      this.#isClosed = true;
      this.#database.close();
    });
  }

  /** Runs `work` after all that was enqueued before it. */
  #enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = (queues.get(this.#queue) ?? Promise.resolve()).then(work);
    const leave = () => {
      if (queues.get(this.#queue) === done) queues.delete(this.#queue);
    };
    const done = result.then(leave, leave);
    queues.set(this.#queue, done);
    return result;
  }

  #ask(text: string, values: readonly SqlValue[]): SqlRow[] {
    if (this.#isClosed) throw new DatabaseUnavailableError("the database is closed");
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.query(text.replace(/\$([0-9]+)/g, "?$1"));
      this.#statements.set(text, statement);
    }
    return statement.all(...values);
  }

  #write(text: string, values: readonly SqlValue[], how?: "replaces"): SqlRow[] {
    const rows = this.#ask(text, values);
    const [, , table = ""] = WRITE.exec(text) ?? [];
    this.#checksums.seal(table, how === "replaces" ? new Set<unknown>(values) : undefined);
    return rows;
  }

  #read(table: string, rest: string, values: readonly SqlValue[], leavesOut: boolean): SqlRow[] {
    const rows = this.#explain(() => this.#ask(`SELECT * FROM ${table} ${rest}`, values));
    return rows.filter((row) => {
      const damage = this.#checksums.damageOf(table, row);
      if (damage === undefined) return true;
      const error = this.#reportDamage(damage);
      if (!leavesOut) throw error;
      return false;
    });
  }

  /** Errors of SQLite and of checksums as those of `errors.ts`. */
  #explain<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof DamagedRow) throw this.#reportDamage(error);
      throw unavailableFrom(error, this.#path) ?? error;
    }
  }

  #reportDamage(row: DamagedRow): DatabaseDamagedError {
    const what = `${this.#path} is damaged: ${row.message}`;
    this.#onDamage(what);
    return new DatabaseDamagedError(`${what}. Restore it from a backup`);
  }
}

/**
 * Damage of the WAL is no reason to refuse the file: the last moments before a power failure are
 * not synced. The operator is told, since damage loses them in the same way.
 */
function inspectFile(path: string, onDamage: OnDamage): void {
  const damage = damageOfWal(path);
  if (damage !== undefined)
    onDamage(`${path} lost its last changes: ${damage}. What was stored before them is there`);
  const database = openSqliteFileToInspect(path, SQLITE_STORE_BUSY_MS);
  try {
    const found = damageOfPages(database);
    if (found !== undefined) throw unusable(path, found);
  } finally {
    database.close();
  }
}

function unusable(path: string, found: string, cause?: unknown): DatabaseUnusableError {
  return new DatabaseUnusableError(
    `${path} is not a database of Ovation, or is damaged (${found}). ` +
      "Restore it from a backup, or move it away to start with an empty one",
    { cause },
  );
}

function openErrorFrom(error: unknown, path: string): unknown {
  return error instanceof Error && kindOfSqliteError(error) === "damaged"
    ? unusable(path, error.message, error)
    : (unavailableFrom(error, path) ?? error);
}

/** A wrong statement is a programmer's error and stays one. */
function unavailableFrom(error: unknown, path: string): DatabaseUnavailableError | undefined {
  const kind = kindOfSqliteError(error);
  if (kind === undefined || kind === "statement") return undefined;
  const { code } = error as { readonly code?: string };
  const Failure = kind === "full" ? DatabaseFullError : DatabaseUnavailableError;
  return new Failure(`the database ${path} does not answer: ${code}`, { cause: error });
}
