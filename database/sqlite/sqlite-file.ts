/**
 * Opens every SQLite file. A file and its directory are made for this user alone; SQLite gives the
 * WAL the same mode. WAL mode, and deleted rows are overwritten with zeros.
 */

import { constants, Database, SQLiteError } from "bun:sqlite";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { SQLITE_CHECK_BYTES_MAX, SQLITE_MIGRATE_BUSY_MS } from "../limits.ts";
import { migrateSqlite, numberOfPragma, type SqliteSchema } from "./sqlite-migrations.ts";

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;
const MEMORY = ":memory:";
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";

export interface SqliteFileOptions {
  /** The file in messages. */
  readonly subject: string;
  readonly schema: SqliteSchema;
  /** FULL: a commit is on disk when it returns. */
  readonly synchronous: "FULL" | "NORMAL";
  /** How long a statement waits while another process has the write lock. */
  readonly busyMs: number;
  /** Statements that tune this connection. */
  readonly pragmas?: readonly string[];
}

/**
 * Makes the file where it is missing, and migrates it; ":memory:" for no file. Throws
 * DatabaseUnusableError, with the file unchanged, where a newer version wrote it, and the errors of
 * SQLite (`sqlite-code.ts`).
 */
export function openSqliteFile(path: string, options: SqliteFileOptions): Database {
  if (path !== MEMORY) makeFile(path);
  const database = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${SQLITE_MIGRATE_BUSY_MS}`);
    // `FAST` would leave free pages as they are: half of the texts of a deleted video. No CPU that
    // can be measured (`log/deletion.bench.ts`).
    database.run("PRAGMA secure_delete = ON");
    database.run("PRAGMA cell_size_check = ON");
    // Before WAL, so that the header of a new file says what it is before a WAL exists.
    migrateSqlite(database, options.subject, options.schema);
    database.run("PRAGMA journal_mode = WAL");
    database.run(`PRAGMA synchronous = ${options.synchronous}`);
    for (const pragma of options.pragmas ?? []) database.run(pragma);
    database.run(`PRAGMA busy_timeout = ${options.busyMs}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A connection that cannot write. The file must be there. */
export function openSqliteFileToRead(path: string, busyMs: number): Database {
  const database = new Database(path, { readonly: true, strict: true });
  database.run(`PRAGMA busy_timeout = ${busyMs}`);
  database.run("PRAGMA cell_size_check = ON");
  return database;
}

/**
 * A connection to inspect a file. It leaves no trace of a file that was closed well (`immutable`).
 * After a crash the WAL is read too, and SQLite rolls an unfinished first transaction back.
 */
export function openSqliteFileToInspect(path: string, busyMs: number): Database {
  if (!existsSync(`${path}-wal`) && !existsSync(`${path}-journal`)) return openImmutable(path);
  const database = new Database(path, { readonly: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${busyMs}`);
    numberOfPragma(database, "schema_version");
    return database;
  } catch (error) {
    database.close();
    if (!(error instanceof SQLiteError) || !error.code?.startsWith("SQLITE_READONLY")) throw error;
  }
  const writable = new Database(path, { create: false, readwrite: true, strict: true });
  writable.run(`PRAGMA busy_timeout = ${busyMs}`);
  return writable;
}

/** The main file as it is, without its WAL. */
export function openImmutable(path: string): Database {
  return new Database(
    `${pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  );
}

/**
 * Reads the header without SQLite, which takes a file of zeros or foreign bytes for its own. Only
 * before this process has a connection to the file: see `damageOfWal`.
 */
export function inspectHeader(path: string): "empty" | "sqlite" | "foreign" {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "empty";
    throw error;
  }
  try {
    if (fstatSync(file).size === 0) return "empty";
    const header = Buffer.alloc(HEADER_BYTES);
    const isWhole = readSync(file, header, 0, HEADER_BYTES, 0) === HEADER_BYTES;
    return isWhole && header.toString("latin1", 0, 16) === MAGIC ? "sqlite" : "foreign";
  } finally {
    closeSync(file);
  }
}

/** Trees, records and indexes; undefined where all is well. Half a second for 100 MB. */
export function damageOfPages(database: Database): string | undefined {
  const bytes = numberOfPragma(database, "page_count") * numberOfPragma(database, "page_size");
  if (bytes > SQLITE_CHECK_BYTES_MAX) return undefined;
  const row = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").get();
  const found = row?.integrity_check ?? "no answer";
  return found === "ok" ? undefined : found;
}

function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  try {
    // Exclusive: to close a descriptor of a file that is there would release this process's locks.
    closeSync(openSync(path, "ax", FILE_MODE));
  } catch {
    // The file is there, or SQLite's own error says why it cannot be made.
  }
}
