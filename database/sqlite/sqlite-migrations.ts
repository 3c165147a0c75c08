/** Runs migrations on an SQLite file; its write lock makes processes take turns. */

import type { Database } from "bun:sqlite";
import { type Migrations, pendingMigrations } from "../migrations.ts";

export interface SqliteSchema {
  readonly migrations: Migrations;
  /**
   * Added to the version in `PRAGMA user_version`, for a format of the rows that is independent of
   * the tables. A file without it is migrated. Default 0.
   */
  readonly versionBase?: number;
  /** In the same transaction, after the migrations. */
  finish?(database: Database): void;
}

/**
 * Throws DatabaseUnusableError, with nothing changed, where the file is of a newer version.
 * `subject` names the file in the message.
 */
export function migrateSqlite(database: Database, subject: string, schema: SqliteSchema): void {
  const { migrations, versionBase = 0 } = schema;
  const current = versionBase + migrations.length;
  // A newer file is refused before a write lock is taken.
  pendingMigrations(subject, versionOf(database, versionBase), migrations);
  if (numberOfPragma(database, "user_version") === current) return;
  database
    .transaction(() => {
      // Read again: another process may have migrated since.
      if (numberOfPragma(database, "user_version") === current) return;
      const version = versionOf(database, versionBase);
      for (const { text } of pendingMigrations(subject, version, migrations)) database.exec(text);
      schema.finish?.(database);
      database.run(`PRAGMA user_version = ${current}`);
    })
    .exclusive();
}

/** The version of the tables, or the whole number where the rows are of a newer format. */
export function versionOf(database: Database, versionBase: number): number {
  const found = numberOfPragma(database, "user_version");
  return versionBase > 0 && found < 2 * versionBase ? found % versionBase : found;
}

export function numberOfPragma(database: Database, name: string): number {
  const value = database.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : 0;
}
