/**
 * The file of the SQLite log: opened after a check, through a connection that cannot write, that it
 * is an Ovation log and that its pages and its WAL are whole.
 */

import { type Database, SQLiteError } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import {
  DatabaseUnusableError,
  damageOfPages,
  damageOfWal,
  inspectHeader,
  kindOfSqliteError,
  numberOfPragma,
  openImmutable,
  openSqliteFile,
  openSqliteFileToInspect,
  pendingMigrations,
} from "@ovation/database";
import { SQLITE_BUSY_MS } from "../limits.ts";
import { LogUnusableError } from "../log.ts";
import { APPLICATION_ID, addUnversioned, SCHEMA } from "./sqlite-schema.ts";

/** The writing connection. Throws {@link LogUnusableError} with the file as it was. */
export function openLogFile(path: string): Database {
  const isEmpty = isEmptyFile(path);
  refuseDamagedWal(path, isEmpty);
  try {
    if (!isEmpty) checkFile(path);
    const database = openSqliteFile(path, {
      subject: `the log ${path}`,
      schema: SCHEMA,
      synchronous: "FULL",
      busyMs: SQLITE_BUSY_MS,
      pragmas: [
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA cache_size = -32768",
        "PRAGMA wal_autocheckpoint = 4000",
      ],
    });
    addUnversioned(database);
    return database;
  } catch (error) {
    throw unusableFrom(error, path) ?? error;
  }
}

/** A connection that cannot write, to a log that must be there; its pages are not checked. */
export function openLogFileToRead(path: string): Database {
  if (isEmptyFile(path)) throw new LogUnusableError(`there is no log ${path}`);
  refuseDamagedWal(path, false);
  try {
    const database = openSqliteFileToInspect(path, SQLITE_BUSY_MS);
    try {
      checkIdentity(database, path);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  } catch (error) {
    throw unusableFrom(error, path) ?? error;
  }
}

/** An error of an unusable file, at start or later, as one that says what to do. */
export function unusableFrom(error: unknown, path: string): LogUnusableError | undefined {
  if (error instanceof DatabaseUnusableError) return new LogUnusableError(error.message);
  if (!(error instanceof SQLiteError)) return undefined;
  // The statements name only what the schema made: a missing name is a damaged schema.
  const isDamage = kindOfSqliteError(error) === "damaged" || error.message.startsWith("no such");
  return isDamage ? corrupt(path, error.message) : undefined;
}

export function corrupt(path: string, found: string): LogUnusableError {
  return new LogUnusableError(
    `the log ${path} is damaged (${found}); nothing was changed. ` +
      "Restore it from a backup, or move it away to start with an empty log",
  );
}

function isEmptyFile(path: string): boolean {
  const found = inspectHeader(path);
  if (found === "foreign")
    throw new LogUnusableError(
      `${path} is not an Ovation log: not an SQLite file, or its beginning is damaged. ` +
        "Nothing was changed; name another --data",
    );
  return found === "empty";
}

/** SQLite itself would drop commits of a damaged WAL, and the whole WAL of an empty file. */
function refuseDamagedWal(path: string, isEmpty: boolean): void {
  if (isEmpty && existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0)
    throw corrupt(path, "the file is empty, and its write-ahead log is not");
  const damage = damageOfWal(path);
  if (damage !== undefined) throw corrupt(path, damage);
}

/** A file without pages is one whose first process died before it made the tables. */
function checkFile(path: string): void {
  const database = openSqliteFileToInspect(path, SQLITE_BUSY_MS);
  try {
    if (numberOfPragma(database, "page_count") === 0) return;
    checkIdentity(database, path);
    if (existsSync(`${path}-wal`)) checkOwnWal(database, path);
    const found = damageOfPages(database);
    if (found !== undefined) throw corrupt(path, found);
  } finally {
    database.close();
  }
}

function checkIdentity(database: Database, path: string): void {
  if (numberOfPragma(database, "application_id") !== APPLICATION_ID)
    throw new LogUnusableError(
      `${path} is an SQLite file of another program. Nothing was changed; name another --data`,
    );
  const version = numberOfPragma(database, "user_version");
  pendingMigrations(`the log ${path}`, version, SCHEMA.migrations);
}

/** Lives are never deleted: a WAL under which some are missing was written for another file. */
function checkOwnWal(database: Database, path: string): void {
  const lives = "SELECT epoch FROM lives";
  const found = new Set(database.query<{ epoch: string }, []>(lives).values().flat());
  let main: unknown[];
  const withoutWal = openImmutable(path);
  try {
    main = withoutWal.query<{ epoch: string }, []>(lives).values().flat();
  } catch {
    // During a checkpoint the file without its WAL is of no one moment.
    return;
  } finally {
    withoutWal.close();
  }
  if (!main.every((epoch) => found.has(epoch as string)))
    throw corrupt(path, "its write-ahead log belongs to another file");
}
