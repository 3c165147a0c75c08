/** A PostgreSQL database, through Bun's own client. Several processes may share it. */

import { SQL } from "bun";
import {
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  type SqlSchema,
  StoreUnavailableError,
  StoreUnusableError,
} from "./sql-database.ts";

const CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_S = 10;
/** Held while tables are made, so that processes that start together make them once. */
const MIGRATION_LOCK = 7_230_145_001;

/** What an operator must put right before anything works: rights, names, passwords. */
const MISCONFIGURED = new Set(["42501", "3D000", "28P01", "28000"]);

/**
 * Rejects with {@link StoreUnavailableError} where the database does not answer, with {@link StoreUnusableError} where it
 * does not let us in or make tables.
 */
export async function openPostgresDatabase(url: string, schema: SqlSchema): Promise<SqlDatabase> {
  const sql = new SQL(url, { max: CONNECTIONS_MAX, connectionTimeout: CONNECT_TIMEOUT_S });
  const database: SqlDatabase = {
    run: (text, values) => runOn(sql, text, values),
    async transaction(work) {
      try {
        return await sql.begin(async (transaction) => work({ run: (text, values) => runOn(transaction, text, values) }));
      } catch (error) {
        throw unavailableFrom(error) ?? error;
      }
    },
    async close() {
      await sql.close();
    },
  };
  try {
    await database.transaction((runner) => migrate(runner, schema));
  } catch (error) {
    await sql.close();
    throw unusableFrom(error, url) ?? error;
  }
  return database;
}

async function runOn(sql: SQL, text: string, values: readonly (string | number | null)[] = []): Promise<readonly SqlRow[]> {
  try {
    return (await sql.unsafe(text, [...values])) as SqlRow[];
  } catch (error) {
    throw unavailableFrom(error) ?? error;
  }
}

async function migrate(runner: SqlRunner, { part, migrations }: SqlSchema): Promise<void> {
  await runner.run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await runner.run("CREATE TABLE IF NOT EXISTS ovation_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)");
  const [row] = await runner.run("SELECT version FROM ovation_schema WHERE part = $1", [part]);
  const version = Number(row?.version ?? 0);
  if (version > migrations.length) {
    throw new StoreUnusableError(`the tables of ${part} are of version ${version}; this program knows versions up to ${migrations.length}`);
  }
  for (const migration of migrations.slice(version)) {
    for (const statement of migration.split(";")) if (statement.trim() !== "") await runner.run(statement);
  }
  await runner.run(
    "INSERT INTO ovation_schema (part, version) VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
    [part, migrations.length],
  );
}

function unusableFrom(error: unknown, url: string): StoreUnusableError | undefined {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  if (!(cause instanceof SQL.PostgresError) || !MISCONFIGURED.has(cause.errno ?? "")) return undefined;
  const { hostname, port, pathname } = new URL(url);
  return new StoreUnusableError(
    `the database ${hostname}:${port || "5432"}${pathname} refuses us: ${cause.message}. The user of --database makes its tables itself: let it own the database, or GRANT CREATE on the database and on its schema public`,
  );
}

/** SQLSTATE classes that are a programmer's error: data (22), constraint (23), syntax or access (42). */
function unavailableFrom(error: unknown): StoreUnavailableError | undefined {
  if (!(error instanceof SQL.SQLError)) return undefined;
  const { errno } = error as { errno?: unknown };
  if (typeof errno === "string" && /^(22|23|42)/.test(errno)) return undefined;
  return new StoreUnavailableError("the database does not answer", { cause: error });
}
