/**
 * Connections to PostgreSQL: two small pools, a deadline on every query, and the log's errors for
 * whatever fails. A pool connects again by itself with the next query.
 *
 * Bun's own client: no dependency, and in our checks it rejects at once what was under way when the
 * server dies, and is back with the first query after its return. What it does not have is a
 * deadline of its own for a server that no longer answers; that is here.
 */

import { SQL } from "bun";
import {
  POSTGRES_ANSWER_MS_MAX,
  POSTGRES_APPENDS_MAX,
  POSTGRES_CONNECT_MS_MAX,
  POSTGRES_READS_MAX,
  POSTGRES_STATEMENT_MS_MAX,
} from "../limits.ts";
import { LogFullError, LogUnavailableError, LogUnusableError } from "../log.ts";
import { isPoolerRefusal, poolerSentence } from "./postgres-pooler.ts";

/** By this name `changes` knows the transactions of logs from others. */
export const APPLICATION_NAME = "ovation-log";

export type Parameter = string | number;

/** A statement within a transaction. */
export type Query = <Row>(
  statement: string,
  parameters?: readonly Parameter[],
) => Promise<readonly Row[]>;

/** Took the transaction back because of others; the same again may do. */
const RETRIED = new Set(["40001", "40P01"]);
/** What an operator must put right before anything works: rights, names, passwords. */
const MISCONFIGURED = new Set(["42501", "3D000", "28P01", "28000"]);
/** The server, the way to it, a lock or a limit. 25006: a standby, which cannot be written to. */
const UNAVAILABLE = /^(08|53|57|55P03|25006|58)/;

/** Statements in flight on pools that are given up have this long. */
const POOL_CLOSE_SECONDS = 1;

type PoolName = "appends" | "reads";
const POOL_CONNECTIONS: Readonly<Record<PoolName, number>> = {
  appends: POSTGRES_APPENDS_MAX,
  reads: POSTGRES_READS_MAX,
};

export interface PostgresClientOptions {
  readonly answerMsMax?: number | undefined;
  readonly applicationName?: string;
  /** Begin as behind a pooler: no named statements, no startup parameters. Default false. */
  readonly pooled?: boolean;
  /** Once, when a transaction pooler was recognised: a sentence for the log. */
  onPooler?(what: string): void;
}

export class PostgresClient {
  readonly #url: string;
  /** Where the database is, for messages: without user and password. */
  readonly where: string;
  readonly #pools: Record<PoolName, SQL>;

  readonly #answerMsMax: number;
  readonly #applicationName: string;
  readonly #onPooler: (what: string) => void;
  /** A pooler that shares server connections among transactions was recognised. */
  #pooled: boolean;

  constructor(url: string, options: PostgresClientOptions = {}) {
    this.#url = url;
    this.#answerMsMax = options.answerMsMax ?? POSTGRES_ANSWER_MS_MAX;
    this.#applicationName = options.applicationName ?? APPLICATION_NAME;
    this.#pooled = options.pooled ?? false;
    this.#onPooler = options.onPooler ?? (() => undefined);
    const { hostname, port, pathname } = new URL(url);
    this.where = `${hostname}:${port || "5432"}${pathname}`;
    this.#pools = { appends: this.#open("appends"), reads: this.#open("reads") };
  }

  /** The rows of one statement, which is a transaction of its own. Rejects with the log's errors, or {@link PostgresStatementError}. */
  async query<Row>(
    pool: PoolName,
    statement: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    return this.#within(pool, (sql) => sql.unsafe<Row[]>(statement, [...parameters]));
  }

  /** Runs `work` in one transaction, which may take as long as one query unless said otherwise. */
  transaction<Result>(
    work: (query: Query) => Promise<Result>,
    answerMsMax = this.#answerMsMax,
  ): Promise<Result> {
    const run = (sql: SQL) =>
      sql.begin((tx) =>
        work((statement, parameters = []) => tx.unsafe(statement, [...parameters])),
      );
    return this.#within("appends", run, answerMsMax);
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#pools.appends.close({ timeout: 1 }),
      this.#pools.reads.close({ timeout: 1 }),
    ]);
  }

  #open(name: PoolName): SQL {
    const common = {
      url: this.#url,
      adapter: "postgres",
      max: POOL_CONNECTIONS[name],
      idleTimeout: 0,
      connectionTimeout: POSTGRES_CONNECT_MS_MAX / 1000,
    } as const;
    if (this.#pooled)
      return new SQL({
        ...common,
        prepare: false,
        connection: { application_name: this.#applicationName },
      });
    return new SQL({
      ...common,
      connection: {
        application_name: this.#applicationName,
        statement_timeout: `${POSTGRES_STATEMENT_MS_MAX}`,
        idle_in_transaction_session_timeout: `${POSTGRES_STATEMENT_MS_MAX}`,
        default_transaction_isolation: "read committed",
      },
    });
  }

  /** Behind a transaction pooler, once more without what it does not carry. */
  async #within<Result>(
    name: PoolName,
    run: (sql: SQL) => Promise<Result>,
    answerMsMax = this.#answerMsMax,
  ): Promise<Result> {
    const pool = this.#pools[name];
    try {
      return await this.#attempt(name, run, answerMsMax);
    } catch (error) {
      if (!isPoolerRefusal(error)) throw this.#errorFrom(error);
      this.#adaptToPooler(pool);
    }
    try {
      return await this.#attempt(name, run, answerMsMax);
    } catch (error) {
      throw this.#errorFrom(error);
    }
  }

  /** Opens the pools without named statements; a later call that failed on the old ones finds them. */
  #adaptToPooler(failed: SQL): void {
    if (this.#pools.appends !== failed && this.#pools.reads !== failed) return;
    const said = this.#pooled;
    this.#pooled = true;
    for (const name of ["appends", "reads"] as const) {
      const old = this.#pools[name];
      this.#pools[name] = this.#open(name);
      void old.close({ timeout: POOL_CLOSE_SECONDS }).catch(() => "given up already");
    }
    if (!said) this.#onPooler(poolerSentence(this.where));
  }

  async #attempt<Result>(
    name: PoolName,
    run: (sql: SQL) => Promise<Result>,
    answerMsMax: number,
  ): Promise<Result> {
    const pool = this.#pools[name];
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      deadline.reject(new LogUnavailableError(`the log's database ${this.where} does not answer`));
      // Its connections may never speak again; whoever asks next gets new ones.
      if (this.#pools[name] !== pool) return;
      this.#pools[name] = this.#open(name);
      void pool.close({ timeout: 0 }).catch(() => "given up already");
    }, answerMsMax);
    try {
      return await Promise.race([run(pool), deadline.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #errorFrom(error: unknown): Error {
    if (!(error instanceof SQL.PostgresError))
      return error instanceof Error ? error : new Error(String(error));
    const state = error.errno;
    if (state === undefined) {
      return new LogUnavailableError(
        `the log's database ${this.where} cannot be reached (${error.code})`,
      );
    }
    if (state === "53100")
      return new LogFullError(
        `the disk of the log's database ${this.where} is full; nothing was stored`,
      );
    if (MISCONFIGURED.has(state))
      return new LogUnusableError(
        `the log's database ${this.where} refuses us: ${error.message}. Check --database and the rights of its user`,
      );
    if (UNAVAILABLE.test(state))
      return new LogUnavailableError(
        `the log's database ${this.where} is not available (${state}: ${error.message})`,
      );
    return new PostgresStatementError(state, error.message);
  }
}

/** Not the server's state but the statement itself: another attempt may do, or none. */
export class PostgresStatementError extends Error {
  override readonly name = "PostgresStatementError";
  readonly isRetried: boolean;

  constructor(state: string, message: string) {
    super(`${state}: ${message}`);
    this.isRetried = RETRIED.has(state);
  }
}
