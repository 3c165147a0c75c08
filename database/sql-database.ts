/**
 * A database for statements that SQLite and PostgreSQL both know. Parameters are `$1`, `$2`, …;
 * numbers are safe integers; there are no booleans.
 */

import { DatabaseUnavailableError } from "./errors.ts";

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlRunner {
  /**
   * `replaces`: a write that sets every column but the key. It repairs a damaged row; any other
   * write to one rejects with {@link DatabaseDamagedError}.
   */
  run(text: string, values?: readonly SqlValue[], how?: "replaces"): Promise<readonly SqlRow[]>;
  /**
   * Whole rows of one table; `rest` is what follows its name. Each is what was written: a damaged
   * one is reported, and makes it reject with {@link DatabaseDamagedError}, or is left out.
   */
  select(
    table: string,
    rest: string,
    values?: readonly SqlValue[],
    damaged?: "leave out",
  ): Promise<readonly SqlRow[]>;
}

export interface SqlDatabase extends SqlRunner {
  /** All or nothing. Serial on SQLite; on PostgreSQL each has a connection of its own. */
  transaction<Result>(work: (runner: SqlRunner) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** The tables of one part: the n-th entry leads from version n to n + 1. */
export interface SqlSchema {
  readonly part: string;
  readonly migrations: readonly string[];
}

/** Called for each damage that is met, with a sentence that names the file and the row. */
export type OnDamage = (what: string) => void;

/** `($1, $2), ($3, $4)` for `rows` rows of `columns` values. */
export function placeholders(rows: number, columns: number): string {
  const list = (length: number, item: (index: number) => string) =>
    Array.from({ length }, (_, index) => item(index)).join(", ");
  return list(rows, (row) => `(${list(columns, (column) => `$${row * columns + column + 1}`)})`);
}

/** What was read cannot have been written by this program. */
export function damaged(what: string): DatabaseUnavailableError {
  return new DatabaseUnavailableError(`the database is damaged: ${what}. Restore it from a backup`);
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
