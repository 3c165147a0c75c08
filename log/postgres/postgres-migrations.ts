/** Brings the database to the tables that this version knows, once, whoever comes first. */

import { LogUnusableError } from "../log.ts";
import type { LogClient } from "./log-client.ts";
import { MIGRATION_LOCK, MIGRATIONS } from "./postgres-schema.ts";

interface Found {
  readonly schema: boolean;
  readonly migrations: boolean;
}

/** Throws {@link LogUnusableError}, with nothing changed, where the tables are of a newer version or somebody else's. */
export async function migrate(client: LogClient): Promise<void> {
  await client.transaction("appends", async (query) => {
    await query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    const [found] = await query<Found>(
      "SELECT to_regnamespace('ovation_log') IS NOT NULL AS schema, to_regclass('ovation_log.migrations') IS NOT NULL AS migrations",
    );
    if (found?.schema === true && !found.migrations) {
      throw new LogUnusableError(
        `the database ${client.endpoint} has a schema ovation_log that is not Ovation's. Nothing was changed; name another --database`,
      );
    }
    if (found?.migrations !== true) {
      await query("CREATE SCHEMA ovation_log");
      await query(
        "CREATE TABLE ovation_log.migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
      );
    }
    const [row] = await query<{ version: number }>(
      "SELECT coalesce(max(version), 0)::integer AS version FROM ovation_log.migrations",
    );
    const version = row?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new LogUnusableError(
        `the log in ${client.endpoint} has format ${version} and this version of Ovation knows ${MIGRATIONS.length}. Nothing was changed; start the newer version that wrote it`,
      );
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await query(migration);
      await query("INSERT INTO ovation_log.migrations (version) VALUES ($1)", [index + 1]);
    }
  });
}
