/**
 * The migrations that a database lacks: one rule for the log and the stores, on SQLite and
 * PostgreSQL. `sqlite/sqlite-migrations.ts` and `postgres/postgres-migrations.ts` run them in the
 * transaction that read the version, so that two processes do not run one twice and a migration
 * that fails leaves the version before.
 */

import { DatabaseUnusableError } from "./errors.ts";

/** Migration `n` is element `n - 1`. A released one is never changed, only followed by another. */
export type Migrations = readonly string[];

export interface Migration {
  /** The version of the tables after it. */
  readonly version: number;
  readonly text: string;
}

/**
 * In order. `subject` names the database in the message. Throws {@link DatabaseUnusableError} where
 * a newer version of Ovation made the tables.
 */
export function pendingMigrations(
  subject: string,
  version: number,
  migrations: Migrations,
): readonly Migration[] {
  if (version > migrations.length)
    throw new DatabaseUnusableError(
      `${subject} has format ${version} and this version of Ovation knows ` +
        `${migrations.length}. Nothing was changed; start the newer version that wrote it`,
    );
  return migrations.slice(version).map((text, index) => ({ version: version + index + 1, text }));
}
