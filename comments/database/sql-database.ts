/**
 * The few SQL statements of the comments service run on SQLite and on PostgreSQL alike; this is what
 * they need of either. Parameters are `$1`, `$2`, …; numbers are safe integers; there are no booleans.
 */

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlRunner {
  /**
   * `replaces`: a write that sets every column but the key. It repairs a damaged row; any other
   * write to one rejects with {@link StoreDamagedError}.
   */
  run(text: string, values?: readonly SqlValue[], how?: "replaces"): Promise<readonly SqlRow[]>;
  /**
   * Whole rows of one table; `rest` is what follows its name. Each is what was written: a damaged
   * one is reported, and makes it reject with {@link StoreDamagedError}, or is left out.
   */
  select(
    table: string,
    rest: string,
    values?: readonly SqlValue[],
    damaged?: "leave out",
  ): Promise<readonly SqlRow[]>;
}

export interface SqlDatabase extends SqlRunner {
  /** All or nothing. On SQLite one after the other, on PostgreSQL each on a connection of its own. */
  transaction<Result>(work: (runner: SqlRunner) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** The tables of one part: the n-th entry leads from version n to n + 1. */
export interface SqlSchema {
  readonly part: string;
  readonly migrations: readonly string[];
}

/** The database does not answer, or has no room; nothing was stored. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** What was asked for cannot be answered from this row of the file: it is not what was written. */
export class StoreDamagedError extends StoreUnavailableError {}

/** Hears of each damage that is met, in a sentence that names the file and the row. */
export type OnDamage = (what: string) => void;

/** The file or database is not one that this version may write: corrupt, or of a newer version. */
export class StoreUnusableError extends Error {
  override readonly name = "StoreUnusableError";
}

/** `($1, $2), ($3, $4)` for `rows` rows of `columns` values. */
export function placeholders(rows: number, columns: number): string {
  return Array.from(
    { length: rows },
    (_, row) =>
      `(${Array.from({ length: columns }, (_, column) => `$${row * columns + column + 1}`).join(", ")})`,
  ).join(", ");
}

/** What was read cannot have been written by this program. */
export function damaged(what: string): StoreUnavailableError {
  return new StoreUnavailableError(`the database is damaged: ${what}. Restore it from a backup`);
}

export function textOf(value: unknown): string {
  if (typeof value !== "string") throw damaged("a text column holds no text");
  return value;
}

/** PostgreSQL's client answers 64-bit integers as text. */
export function numberOf(value: unknown): number {
  const number = typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number))
    throw damaged("a number column holds no number");
  return number;
}
