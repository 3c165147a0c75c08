/** Which migrations the log's database has had: a row for each in `ovation_log.migrations`. */

import { migratePostgres, type PostgresSchema, type Query } from "@ovation/database";
import { LogUnusableError } from "../log.ts";
import type { LogClient } from "./log-client.ts";
import { MIGRATION_LOCK, MIGRATIONS } from "./postgres-schema.ts";

/** Throws {@link LogUnusableError}, with nothing changed, where the tables are not usable. */
export async function migrateLog(client: LogClient): Promise<void> {
  const schema: PostgresSchema = {
    subject: `the log in ${client.endpoint}`,
    migrations: MIGRATIONS,
    lock: MIGRATION_LOCK,
    readVersion: (query) => readVersion(query, client.endpoint),
    async writeVersion(query, version) {
      await query("INSERT INTO ovation_log.migrations (version) VALUES ($1)", [version]);
    },
  };
  await client.transaction("appends", (query) => migratePostgres(query, schema));
}

async function readVersion(query: Query, endpoint: string): Promise<number> {
  const [found] = await query<{ schema: boolean; migrations: boolean }>(
    `SELECT to_regnamespace('ovation_log') IS NOT NULL AS schema,
       to_regclass('ovation_log.migrations') IS NOT NULL AS migrations`,
  );
  if (found?.schema === true && !found.migrations)
    throw new LogUnusableError(
      `the database ${endpoint} has a schema ovation_log that is not Ovation's. ` +
        "Nothing was changed; name another --database",
    );
  if (found?.migrations !== true) {
    await query("CREATE SCHEMA ovation_log");
    await query(
      `CREATE TABLE ovation_log.migrations
         (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
    );
  }
  const [row] = await query<{ version: number }>(
    "SELECT coalesce(max(version), 0)::integer AS version FROM ovation_log.migrations",
  );
  return row?.version ?? 0;
}
