/** The PostgreSQL form of `sql-database.ts`. Several processes may share the database. */

import { CONNECTIONS_MAX, MIGRATE_MS_MAX, POSTGRES_ANSWER_MS_MAX } from "../limits.ts";
import type { SqlDatabase, SqlRow, SqlRunner, SqlSchema } from "../sql-database.ts";
import { PostgresClient, type Query } from "./postgres-client.ts";
import { migratePostgres, type PostgresSchema } from "./postgres-migrations.ts";

/** Held while tables are made, so that processes that start together make them once. */
const MIGRATION_LOCK = 7_230_145_001;

export interface PostgresDatabaseOptions {
  /** For a statement or a transaction. */
  readonly answerMsMax: number;
  /** For making the tables when it is opened. */
  readonly migrateMsMax: number;
}

export const DEFAULT_POSTGRES_DATABASE: PostgresDatabaseOptions = {
  answerMsMax: POSTGRES_ANSWER_MS_MAX,
  migrateMsMax: MIGRATE_MS_MAX,
};

/** Rejects with the errors of `errors.ts`, also where the tables are of a newer version. */
export async function openPostgresDatabase(
  url: string,
  schema: SqlSchema,
  options: Partial<PostgresDatabaseOptions> = {},
): Promise<SqlDatabase> {
  const { answerMsMax, migrateMsMax } = { ...DEFAULT_POSTGRES_DATABASE, ...options };
  const client = new PostgresClient({
    url,
    pools: { all: CONNECTIONS_MAX },
    applicationName: `ovation-${schema.part}`,
    answerMsMax,
  });
  try {
    const tables = postgresSchemaOf(schema, client.endpoint);
    await client.transaction("all", (query) => migratePostgres(query, tables), migrateMsMax);
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    ...runnerOver((text, values) => client.query("all", text, values)),
    transaction: (work) => client.transaction("all", (query) => work(runnerOver(query))),
    close: () => client.close(),
  };
}

/** PostgreSQL's pages have checksums of their own (`initdb -k`). */
function runnerOver(query: Query): SqlRunner {
  return {
    run: (text, values) => query<SqlRow>(text, values),
    select: (table, rest, values) => query<SqlRow>(`SELECT * FROM ${table} ${rest}`, values),
  };
}

/** One row per part in a table that all parts share. */
function postgresSchemaOf({ part, migrations }: SqlSchema, endpoint: string): PostgresSchema {
  return {
    subject: `the tables of ${part} in ${endpoint}`,
    migrations,
    lock: MIGRATION_LOCK,
    async readVersion(query) {
      await query(
        `CREATE TABLE IF NOT EXISTS ovation_schema
           (part TEXT PRIMARY KEY, version INTEGER NOT NULL)`,
      );
      const [row] = await query<SqlRow>("SELECT version FROM ovation_schema WHERE part = $1", [
        part,
      ]);
      return Number(row?.["version"] ?? 0);
    },
    async writeVersion(query, version) {
      await query(
        `INSERT INTO ovation_schema (part, version) VALUES ($1, $2)
         ON CONFLICT (part) DO UPDATE SET version = excluded.version`,
        [part, version],
      );
    },
  };
}
