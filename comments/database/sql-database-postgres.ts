/**
 * A PostgreSQL database, through Bun's own client. Several processes may share it.
 *
 * What that client does not have is a deadline for a server that says nothing any more: on a line that is dead the kernel goes on
 * trying for a quarter of an hour. That is here, as in the log's `postgres-client.ts`.
 */

import { isPoolerRefusal } from "@ovation/log";
import { SQL } from "bun";
import {
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  type SqlSchema,
  StoreUnavailableError,
  StoreUnusableError,
} from "./sql-database.ts";

/** Of one process to one store; what asks beyond waits. */
export const CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_S = 3;
export const ANSWER_MS_MAX = 8_000;
/** Tables may be large, and another process may be at it. */
export const MIGRATE_MS_MAX = 10 * 60_000;
/** A connection that says nothing any more is not waited for. */
const CLOSE_TIMEOUT_S = 1;
const SILENT = "the database does not answer";
/** Held while tables are made, so that processes that start together make them once. */
const MIGRATION_LOCK = 7_230_145_001;

/** What an operator must put right before anything works: rights, names, passwords. */
const MISCONFIGURED = new Set(["42501", "3D000", "28P01", "28000"]);

export interface PostgresDatabaseOptions {
  /** For a statement or a transaction. */
  readonly answerMsMax: number;
  /** For making the tables when it is opened. */
  readonly migrateMsMax: number;
}

export const DEFAULT_POSTGRES_DATABASE: PostgresDatabaseOptions = {
  answerMsMax: ANSWER_MS_MAX,
  migrateMsMax: MIGRATE_MS_MAX,
};

/**
 * Rejects with {@link StoreUnavailableError} where the database does not answer, with {@link StoreUnusableError} where it
 * does not let us in or make tables.
 */
export async function openPostgresDatabase(
  url: string,
  schema: SqlSchema,
  options: Partial<PostgresDatabaseOptions> = {},
): Promise<SqlDatabase> {
  const { answerMsMax, migrateMsMax } = { ...DEFAULT_POSTGRES_DATABASE, ...options };
  let pooled = false;
  const open = () =>
    new SQL(url, {
      max: CONNECTIONS_MAX,
      connectionTimeout: CONNECT_TIMEOUT_S,
      ...(pooled ? { prepare: false } : {}),
    });
  let sql = open();

  /** Behind a transaction pooler, once more without named statements. */
  async function within<Result>(ms: number, work: (pool: SQL) => Promise<Result>): Promise<Result> {
    const pool = sql;
    try {
      return await attempt(ms, work);
    } catch (error) {
      if (!isPoolerRefusal(error instanceof StoreUnavailableError ? error.cause : error))
        throw error;
    }
    if (sql === pool) {
      pooled = true;
      sql = open();
      void pool.close({ timeout: CLOSE_TIMEOUT_S }).catch(() => "given up already");
    }
    return attempt(ms, work);
  }

  async function attempt<Result>(
    ms: number,
    work: (pool: SQL) => Promise<Result>,
  ): Promise<Result> {
    const pool = sql;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new StoreUnavailableError(SILENT));
      // Its connections may never speak again; whoever asks next gets new ones.
      if (sql !== pool) return;
      sql = open();
      void pool.close({ timeout: 0 }).catch(() => "given up already");
    }, ms);
    try {
      return await Promise.race([work(pool), late.promise]);
    } catch (error) {
      throw unavailableFrom(error) ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  function transact<Result>(
    pool: SQL,
    work: (runner: SqlRunner) => Promise<Result>,
  ): Promise<Result> {
    return pool.begin(async (transaction) =>
      work({
        run: (text, values) => runOn(transaction, text, values),
        select: (table, rest, values) =>
          runOn(transaction, `SELECT * FROM ${table} ${rest}`, values),
      }),
    );
  }

  try {
    await within(migrateMsMax, (pool) => transact(pool, (runner) => migrate(runner, schema)));
  } catch (error) {
    await sql.close();
    throw unusableFrom(error, url) ?? error;
  }
  return {
    run: (text, values) => within(answerMsMax, (pool) => runOn(pool, text, values)),
    // Its pages have checksums of their own: `initdb -k`.
    select: (table, rest, values) =>
      within(answerMsMax, (pool) => runOn(pool, `SELECT * FROM ${table} ${rest}`, values)),
    transaction: (work) => within(answerMsMax, (pool) => transact(pool, work)),
    close: () => sql.close({ timeout: CLOSE_TIMEOUT_S }),
  };
}

async function runOn(
  sql: SQL,
  text: string,
  values: readonly (string | number | null)[] = [],
): Promise<readonly SqlRow[]> {
  try {
    return (await sql.unsafe(text, [...values])) as SqlRow[];
  } catch (error) {
    throw unavailableFrom(error) ?? error;
  }
}

async function migrate(runner: SqlRunner, { part, migrations }: SqlSchema): Promise<void> {
  await runner.run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await runner.run(
    "CREATE TABLE IF NOT EXISTS ovation_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)",
  );
  const [row] = await runner.run("SELECT version FROM ovation_schema WHERE part = $1", [part]);
  const version = Number(row?.version ?? 0);
  if (version > migrations.length) {
    throw new StoreUnusableError(
      `the tables of ${part} are of version ${version}; this program knows versions up to ${migrations.length}`,
    );
  }
  for (const migration of migrations.slice(version)) {
    for (const statement of migration.split(";"))
      if (statement.trim() !== "") await runner.run(statement);
  }
  await runner.run(
    "INSERT INTO ovation_schema (part, version) VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
    [part, migrations.length],
  );
}

function unusableFrom(error: unknown, url: string): StoreUnusableError | undefined {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  if (!(cause instanceof SQL.PostgresError) || !MISCONFIGURED.has(cause.errno ?? ""))
    return undefined;
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
  return new StoreUnavailableError(SILENT, { cause: error });
}
