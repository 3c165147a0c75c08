/**
 * Verifies the rows of a store's file step by step, beside a server that writes to it: each row has
 * its checksum, and the primary key's index finds it.
 */

import type { Database, Statement } from "bun:sqlite";
import { ROW_PROBLEMS_MAX, SQLITE_STORE_BUSY_MS } from "../limits.ts";
import {
  COLUMN,
  checksumOf,
  DamagedRow,
  hasChecksums,
  nameOf,
  type Table,
  tablesOf,
} from "./row-checksums.ts";
import { openSqliteFileToRead } from "./sqlite-file.ts";

const STEP_ROWS = 1_000;

/** What one step of a walk through a file found. */
export interface WalkStep {
  readonly rows: number;
  /** An estimate: characters and numbers, without what SQLite needs beside them. */
  readonly bytes: number;
  /** Sentences. */
  readonly problems: readonly string[];
  readonly done: boolean;
}

interface Walked {
  readonly table: Table;
  readonly page: Statement<unknown, [number, number]>;
  readonly find: Statement<unknown, (string | number | null)[]>;
}

export class RowWalk {
  readonly #database: Database;
  readonly #tables: readonly Walked[];
  #index = 0;
  #after = Number.MIN_SAFE_INTEGER;

  constructor(path: string) {
    this.#database = openSqliteFileToRead(path, SQLITE_STORE_BUSY_MS);
    this.#tables = tablesOf(this.#database)
      .filter(({ name }) => hasChecksums(this.#database, name))
      .map((table) => ({ table, ...prepare(this.#database, table) }));
  }

  step(limit: number): WalkStep {
    const walked = this.#tables[this.#index];
    if (walked === undefined) return { rows: 0, bytes: 0, problems: [], done: true };
    const page = walked.page.values(this.#after, limit);
    const problems: string[] = [];
    let bytes = 0;
    for (const [rowId, checksum, ...values] of page) {
      for (const value of values) bytes += typeof value === "string" ? value.length : 8;
      const problem = problemOf(walked, rowId, checksum, values);
      if (problem !== undefined) problems.push(problem);
    }
    if (page.length < limit) {
      this.#index++;
      this.#after = Number.MIN_SAFE_INTEGER;
    } else {
      this.#after = Number(page.at(-1)?.[0]);
    }
    return { rows: page.length, bytes, problems, done: this.#index >= this.#tables.length };
  }

  /** Of all pages, at once. */
  checkPages(): readonly string[] {
    const rows = this.#database.query(`PRAGMA integrity_check(${ROW_PROBLEMS_MAX})`).values();
    return rows.flatMap(([found]) => (found === "ok" ? [] : [String(found)]));
  }

  close(): void {
    for (const { page, find } of this.#tables) {
      page.finalize();
      find.finalize();
    }
    this.#database.close();
  }
}

function prepare(database: Database, { name, columns, keys }: Table): Omit<Walked, "table"> {
  const isKey = keys.map((at) => `${columns[at]} = ?`).join(" AND ");
  return {
    page: database.prepare(
      `SELECT rowid, ${COLUMN}, ${columns.join(", ")} FROM ${name}
       WHERE rowid > ? ORDER BY rowid LIMIT ?`,
    ),
    find: database.prepare(`SELECT rowid FROM ${name} WHERE ${isKey}`),
  };
}

function problemOf(
  { table, find }: Walked,
  rowId: unknown,
  checksum: unknown,
  values: readonly unknown[],
): string | undefined {
  if (checksum !== checksumOf(table, values)) return new DamagedRow(nameOf(table, values)).message;
  const [found] = find.values(...table.keys.map((at) => values[at] as string | number | null));
  return found?.[0] === rowId ? undefined : `no index finds the row ${nameOf(table, values)}`;
}

export interface RowReport {
  readonly rows: number;
  /** At most {@link ROW_PROBLEMS_MAX}. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

/** All of a file, as fast as it can be read. */
export function verifyRows(path: string): RowReport {
  const problems: string[] = [];
  let [rows, problemCount] = [0, 0];
  const add = (found: readonly string[]) => {
    problemCount += found.length;
    problems.push(...found.slice(0, ROW_PROBLEMS_MAX - problems.length));
  };
  let walk: RowWalk | undefined;
  try {
    walk = new RowWalk(path);
    add(walk.checkPages());
    for (let done = false; !done; ) {
      const step = walk.step(STEP_ROWS);
      rows += step.rows;
      add(step.problems);
      done = step.done;
    }
  } catch (error) {
    add([error instanceof Error ? error.message : String(error)]);
  } finally {
    walk?.close();
  }
  return { rows, problems, problemCount };
}
