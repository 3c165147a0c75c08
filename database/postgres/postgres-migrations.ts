/** Runs migrations on PostgreSQL; a lock of the database makes processes take turns. */

import { type Migrations, pendingMigrations } from "../migrations.ts";
import type { Query } from "./postgres-client.ts";

export interface PostgresSchema {
  /** The tables in messages: "the log in", then the endpoint. */
  readonly subject: string;
  readonly migrations: Migrations;
  /** The number of the advisory lock that is held while migrations run. */
  readonly lock: number;
  /** Makes the table of versions where it is missing, and reads it. 0 for no tables. */
  readVersion(query: Query): Promise<number>;
  writeVersion(query: Query, version: number): Promise<void>;
}

/**
 * Within the transaction of `query`. Throws DatabaseUnusableError where the tables are of a newer
 * version.
 */
export async function migratePostgres(query: Query, schema: PostgresSchema): Promise<void> {
  await query("SELECT pg_advisory_xact_lock($1)", [schema.lock]);
  const version = await schema.readVersion(query);
  for (const migration of pendingMigrations(schema.subject, version, schema.migrations)) {
    await query(migration.text);
    await schema.writeVersion(query, migration.version);
  }
}
