/** What an error of SQLite means: the one table of https://www.sqlite.org/rescode.html */

import { SQLiteError } from "bun:sqlite";

/**
 * - `damaged`: the file is not what was written, or is no database.
 * - `full`: the disk has no room.
 * - `io`: the file cannot be read or written; what the connection has in memory is not reliable.
 * - `unavailable`: another connection has the lock, or the file is read-only. Try again later.
 * - `statement`: the statement or its values are wrong: the same one fails again.
 */
export type SqliteErrorKind = "damaged" | "full" | "io" | "unavailable" | "statement";

const KINDS: readonly (readonly [code: RegExp, kind: SqliteErrorKind])[] = [
  [/^SQLITE_(CORRUPT|NOTADB|FORMAT)/, "damaged"],
  [/^SQLITE_FULL/, "full"],
  [/^SQLITE_(IOERR|CANTOPEN)/, "io"],
  [/^SQLITE_(BUSY|LOCKED|READONLY)/, "unavailable"],
];

/** In the header's byte for the format, or in the text of the schema: the code says only ERROR. */
const DAMAGE = /unsupported file format|^malformed/;

/** Undefined for what is no error of SQLite. */
export function kindOfSqliteError(error: unknown): SqliteErrorKind | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  if (DAMAGE.test(error.message)) return "damaged";
  const code = error.code ?? "";
  return KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? "statement";
}
