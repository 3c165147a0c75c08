/**
 * The SQLite file: its tables, and the check that it is one of ours before anything is written.
 *
 * Topics and types are interned to small ids; events lie in the order of (topic, seq), so a page of
 * history is one run of the tree. `events_by_type` makes a page of one type cheap where few events
 * are of it (the pin among a million comments).
 */

import { constants, Database, SQLiteError } from "bun:sqlite";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { damageOfWal, SQLITE_CHECK_BYTES_MAX } from "@ovation/database";
import { SQLITE_BUSY_MS } from "../limits.ts";
import { LogUnusableError } from "../log.ts";

/** In `PRAGMA application_id`, so that a foreign SQLite file is told from ours: "Ovat". */
export const APPLICATION_ID = 0x4f766174;

/** In `PRAGMA user_version`. */
export const SCHEMA_VERSION = 1;

/** `lives.stamp` is the newest stamp of the lives before: where the one before it ended. */
const SCHEMA = `
  CREATE TABLE lives (
    id INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    stamp INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    first INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    first_stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id)
  ) STRICT;
  CREATE INDEX topics_by_stamp ON topics (stamp);
  CREATE TABLE events (
    topic INTEGER NOT NULL REFERENCES topics (id),
    seq INTEGER NOT NULL,
    type INTEGER NOT NULL REFERENCES types (id),
    at INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id),
    data TEXT NOT NULL,
    PRIMARY KEY (topic, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX events_by_type ON events (topic, type, seq);
  CREATE TABLE keys (
    topic INTEGER NOT NULL REFERENCES topics (id),
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id),
    PRIMARY KEY (topic, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_stamp ON keys (stamp);
`;

/**
 * How many events of each type retention has dropped. Made where it is missing: a version that does
 * not know it reads and writes the same file.
 */
const DROPPED = `
  CREATE TABLE IF NOT EXISTS dropped (
    topic INTEGER NOT NULL REFERENCES topics (id),
    type INTEGER NOT NULL REFERENCES types (id),
    n INTEGER NOT NULL,
    PRIMARY KEY (topic, type)
  ) STRICT, WITHOUT ROWID`;

/** Events of before have none. A version that does not know it replaces data, which ends it. */
const CHECKSUMS = `
  ALTER TABLE events ADD COLUMN checksum INTEGER;
  CREATE TRIGGER events_replaced AFTER UPDATE OF data ON events
    WHEN new.checksum IS old.checksum AND new.checksum IS NOT NULL
    BEGIN
      UPDATE events SET checksum = NULL WHERE topic = new.topic AND seq = new.seq;
    END`;

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";

/** Opens or makes the file and answers the writing connection. Throws {@link LogUnusableError} with the file as it was. */
export function openSqliteFile(path: string): Database {
  mkdirSync(dirname(path), { recursive: true });
  let isNew = inspectFile(path);
  refuseDamagedWal(path, isNew);
  try {
    if (!isNew) isNew = checkFile(path);
    const database = new Database(path, { create: true, readwrite: true, strict: true });
    database.run(`PRAGMA busy_timeout = ${SQLITE_BUSY_MS}`);
    if (isNew) createSchema(database);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run("PRAGMA cell_size_check = ON");
    addSince(database);
    // What is deleted is overwritten with zeros. `FAST` leaves free pages as they are: half of the
    // texts of a deleted video. No CPU that can be measured (`log/deletion.bench.ts`).
    database.run("PRAGMA secure_delete = ON");
    database.run("PRAGMA journal_size_limit = 67108864");
    database.run("PRAGMA cache_size = -32768");
    database.run("PRAGMA wal_autocheckpoint = 4000");
    return database;
  } catch (error) {
    throw unusableFrom(error, path) ?? error;
  }
}

/** What was added without another version of the schema. */
function addSince(database: Database): void {
  database.run(DROPPED);
  database
    .transaction(() => {
      const column = "SELECT 1 FROM pragma_table_info('events') WHERE name = 'checksum'";
      if (database.query(column).get() === null) database.exec(CHECKSUMS);
    })
    .immediate();
}

/** Lives are never deleted: a WAL under which some are missing was written for another file. */
function checkOwnWal(database: Database, path: string): void {
  const lives = "SELECT epoch FROM lives";
  const found = new Set(database.query<{ epoch: string }, []>(lives).values().flat());
  let main: unknown[];
  const alone = openImmutable(path);
  try {
    main = alone.query<{ epoch: string }, []>(lives).values().flat();
  } catch {
    // Without its WAL the file is of no one moment, where a checkpoint was under way.
    return;
  } finally {
    alone.close();
  }
  if (!main.every((epoch) => found.has(epoch as string)))
    throw corrupt(path, "its write-ahead log belongs to another file");
}

/** The answer to a corrupt file, at start or later, as an error that says what to do. */
export function unusableFrom(error: unknown, path: string): LogUnusableError | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  const code = error.code ?? "";
  const isDamage =
    code.startsWith("SQLITE_CORRUPT") ||
    code === "SQLITE_NOTADB" ||
    code === "SQLITE_FORMAT" ||
    // The header's byte for the format of the schema.
    error.message.includes("unsupported file format") ||
    // The text of the schema itself: our statements name only what we made.
    (code === "SQLITE_ERROR" && /^(no such|malformed)/.test(error.message));
  if (!isDamage) return undefined;
  return corrupt(path, error.message);
}

export function corrupt(path: string, found: string): LogUnusableError {
  return new LogUnusableError(
    `the log ${path} is damaged (${found}); nothing was changed. Restore it from a backup, or move it away to start with an empty log`,
  );
}

/** Looks at the header without SQLite, which would take a file of zero or foreign bytes for its own. True where there is no file yet. */
function inspectFile(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return true;
    throw error;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const size = fstatSync(file).size;
    if (size === 0) return true;
    if (
      readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES ||
      header.toString("latin1", 0, 16) !== MAGIC
    ) {
      throw new LogUnusableError(
        `${path} is not an Ovation log: not an SQLite file, or its beginning is damaged. Nothing was changed; name another --data`,
      );
    }
    return false;
  } finally {
    closeSync(file);
  }
}

/** SQLite itself would drop commits of a damaged WAL, and the whole WAL of an empty file. */
function refuseDamagedWal(path: string, isEmpty: boolean): void {
  if (isEmpty && existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0)
    throw corrupt(path, "the file is empty, and its write-ahead log is not");
  const damage = damageOfWal(path);
  if (damage !== undefined) throw corrupt(path, damage);
}

/**
 * Reads, through a connection that cannot write, what kind of file this is and whether its pages are
 * whole. True where nothing is in it: whoever began to make it died.
 */
function checkFile(path: string): boolean {
  const database = openForCheck(path);
  try {
    if (pragma(database, "page_count") === 0) return true;
    checkIdentity(database, path);
    if (existsSync(`${path}-wal`)) checkOwnWal(database, path);
    if (pragma(database, "page_count") * pragma(database, "page_size") > SQLITE_CHECK_BYTES_MAX)
      return false;
    const found = database
      .query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)")
      .get()?.integrity_check;
    if (found !== "ok") throw corrupt(path, found ?? "no answer");
    return false;
  } finally {
    database.close();
  }
}

function checkIdentity(database: Database, path: string): void {
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    throw new LogUnusableError(
      `${path} is an SQLite file of another program. Nothing was changed; name another --data`,
    );
  }
  const version = pragma(database, "user_version");
  if (version > SCHEMA_VERSION) {
    throw new LogUnusableError(
      `the log ${path} has format ${version} and this version of Ovation knows ${SCHEMA_VERSION}. Nothing was changed; start the newer version that wrote it`,
    );
  }
}

/** A connection that cannot write, to a log that must be there; its pages are not checked. */
export function openSqliteFileToRead(path: string): Database {
  if (inspectFile(path)) throw new LogUnusableError(`there is no log ${path}`);
  refuseDamagedWal(path, false);
  try {
    const database = openForCheck(path);
    checkIdentity(database, path);
    return database;
  } catch (error) {
    throw unusableFrom(error, path) ?? error;
  }
}

/**
 * A connection for looking: of a file that was closed well it leaves no trace (`immutable`). Where a process died, its
 * WAL has to be read as well, and where it died within its first transaction, SQLite must take that back before
 * anything can be read.
 */
function openForCheck(path: string): Database {
  if (!existsSync(`${path}-wal`) && !existsSync(`${path}-journal`)) {
    return openImmutable(path);
  }
  let database = new Database(path, { readonly: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${SQLITE_BUSY_MS}`);
    pragma(database, "schema_version");
  } catch (error) {
    database.close();
    if (!(error instanceof SQLiteError) || !error.code?.startsWith("SQLITE_READONLY")) throw error;
    database = new Database(path, { create: false, readwrite: true, strict: true });
    database.run(`PRAGMA busy_timeout = ${SQLITE_BUSY_MS}`);
  }
  return database;
}

/** The main file as it is, without its WAL. */
function openImmutable(path: string): Database {
  return new Database(
    `${pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  );
}

function pragma(database: Database, name: string): number {
  const value = database.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : 0;
}

/** In the journal mode that a new file has, so that the header itself says whose file this is before the WAL exists. */
function createSchema(database: Database): void {
  database
    .transaction(() => {
      // Another process may have made it since we looked.
      if (pragma(database, "user_version") !== 0) return;
      database.run(SCHEMA);
      database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    })
    .exclusive();
}
