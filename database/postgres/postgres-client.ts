/**
 * Connections to PostgreSQL: small pools, a deadline for every query, and the errors of
 * `errors.ts`. A pool reconnects by itself with the next query.
 *
 * Bun's own client: no dependency, and in our checks it rejects what is in flight as soon as the
 * server dies, and works again with the first query after its return. It has no deadline for a
 * server that no longer answers, where the kernel retransmits for a quarter of an hour; this file
 * adds it.
 */

import { SQL } from "bun";
import {
  DatabaseConflictError,
  DatabaseFullError,
  DatabaseStatementError,
  DatabaseUnavailableError,
  DatabaseUnusableError,
} from "../errors.ts";
import {
  POSTGRES_ANSWER_MS_MAX,
  POSTGRES_CONNECT_MS_MAX,
  POSTGRES_STATEMENT_MS_MAX,
} from "../limits.ts";
import { isPoolerRefusal, poolerSentence } from "./postgres-pooler.ts";
import { kindOfSqlstate } from "./sqlstate.ts";

/** How long statements in flight may take after a close. */
const CLOSE_SECONDS = 1;

export type Parameter = string | number | null;

/** A statement within a transaction. */
export type Query = <Row>(
  statement: string,
  parameters?: readonly Parameter[],
) => Promise<readonly Row[]>;

export interface PostgresClientOptions<Pool extends string> {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Connections of each pool at most. */
  readonly pools: Readonly<Record<Pool, number>>;
  /** In `pg_stat_activity`. */
  readonly applicationName: string;
  /** Of a query, and of a transaction that names no other. Default POSTGRES_ANSWER_MS_MAX. */
  readonly answerMsMax?: number | undefined;
  /** The server cancels statements and idle transactions by POSTGRES_STATEMENT_MS_MAX. */
  readonly hasServerTimeouts?: boolean;
  /** Begin as behind a pooler: no named statements, no startup parameters. Default false. */
  readonly isPooled?: boolean;
  /** The database in messages. Default "the database". */
  readonly name?: string;
  /** The errors of `errors.ts` as the caller's own. */
  translate?(error: Error): Error;
  /** Once, when a transaction pooler was recognised: a sentence for the logger. */
  onPooler?(sentence: string): void;
}

export class PostgresClient<Pool extends string> {
  /** Host, port and database, for messages: without user and password. */
  readonly endpoint: string;
  readonly #options: PostgresClientOptions<Pool>;
  readonly #names: readonly Pool[];
  readonly #pools = new Map<Pool, SQL>();
  readonly #answerMsMax: number;
  /** A pooler that shares server connections among transactions was recognised. */
  #isPooled: boolean;

  constructor(options: PostgresClientOptions<Pool>) {
    this.#options = options;
    this.#answerMsMax = options.answerMsMax ?? POSTGRES_ANSWER_MS_MAX;
    this.#isPooled = options.isPooled ?? false;
    const { hostname, port, pathname } = new URL(options.url);
    this.endpoint = `${hostname}:${port || "5432"}${pathname}`;
    this.#names = Object.keys(options.pools) as Pool[];
    for (const name of this.#names) this.#pools.set(name, this.#open(name));
  }

  /** The rows of one statement, which is a transaction of its own. */
  query<Row>(
    pool: Pool,
    statement: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    return this.#within(pool, (sql) => sql.unsafe<Row[]>(statement, [...parameters]));
  }

  /**
   * Runs `work` in one transaction, which may take as long as one query by default. Behind a pooler
   * `work` may run twice; nothing of the first run was executed.
   */
  transaction<Result>(
    pool: Pool,
    work: (query: Query) => Promise<Result>,
    answerMsMax = this.#answerMsMax,
  ): Promise<Result> {
    const run = (sql: SQL) =>
      sql.begin((tx) =>
        work((statement, parameters = []) => tx.unsafe(statement, [...parameters])),
      );
    return this.#within(pool, run, answerMsMax);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#pools.values()].map((pool) => pool.close({ timeout: CLOSE_SECONDS })),
    );
  }

  #pool(name: Pool): SQL {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new Error(`no pool ${name} was declared`);
    return pool;
  }

  #open(name: Pool): SQL {
    const { url, pools, applicationName, hasServerTimeouts } = this.#options;
    const timeouts =
      hasServerTimeouts === true && !this.#isPooled
        ? {
            statement_timeout: `${POSTGRES_STATEMENT_MS_MAX}`,
            idle_in_transaction_session_timeout: `${POSTGRES_STATEMENT_MS_MAX}`,
            default_transaction_isolation: "read committed",
          }
        : {};
    return new SQL({
      url,
      adapter: "postgres",
      max: pools[name],
      idleTimeout: 0,
      connectionTimeout: POSTGRES_CONNECT_MS_MAX / 1000,
      ...(this.#isPooled ? { prepare: false } : {}),
      connection: { application_name: applicationName, ...timeouts },
    });
  }

  /** Behind a transaction pooler, a second time without what the pooler does not carry. */
  async #within<Result>(
    name: Pool,
    run: (sql: SQL) => Promise<Result>,
    answerMsMax = this.#answerMsMax,
  ): Promise<Result> {
    const pool = this.#pool(name);
    try {
      return await this.#attempt(name, run, answerMsMax);
    } catch (error) {
      if (!isPoolerRefusal(error)) throw this.#errorFrom(error);
      this.#adaptToPooler(name, pool);
    }
    try {
      return await this.#attempt(name, run, answerMsMax);
    } catch (error) {
      throw this.#errorFrom(error);
    }
  }

  /** Replaces all pools by ones without named statements, once for calls that fail together. */
  #adaptToPooler(name: Pool, failed: SQL): void {
    if (this.#pools.get(name) !== failed) return;
    const isKnown = this.#isPooled;
    this.#isPooled = true;
    for (const each of this.#names) this.#replace(each, CLOSE_SECONDS);
    if (!isKnown) this.#options.onPooler?.(poolerSentence(this.endpoint));
  }

  /** Statements in flight on the old pool have `closeSeconds`; later ones run on a new one. */
  #replace(name: Pool, closeSeconds: number): void {
    const old = this.#pool(name);
    this.#pools.set(name, this.#open(name));
    void old.close({ timeout: closeSeconds }).catch(() => "already replaced");
  }

  async #attempt<Result>(
    name: Pool,
    run: (sql: SQL) => Promise<Result>,
    answerMsMax: number,
  ): Promise<Result> {
    const pool = this.#pool(name);
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      deadline.reject(new DatabaseUnavailableError(`${this.#subject} does not answer`));
      // The connections of this pool may stay silent: close them without waiting.
      if (this.#pools.get(name) === pool) this.#replace(name, 0);
    }, answerMsMax);
    try {
      return await Promise.race([run(pool), deadline.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  get #subject(): string {
    return `${this.#options.name ?? "the database"} ${this.endpoint}`;
  }

  #errorFrom(error: unknown): Error {
    const known = error instanceof SQL.SQLError ? this.#databaseErrorFrom(error) : error;
    if (!(known instanceof Error)) return new Error(String(known));
    return this.#options.translate?.(known) ?? known;
  }

  #databaseErrorFrom(error: SQL.SQLError): Error {
    const { errno: state, code } = error as Partial<SQL.PostgresError>;
    const options = { cause: error };
    if (state === undefined)
      return new DatabaseUnavailableError(`${this.#subject} cannot be reached (${code})`, options);
    const found = `${state}: ${error.message}`;
    switch (kindOfSqlstate(state)) {
      case "full":
        return new DatabaseFullError(
          `the disk of ${this.#subject} is full; nothing was stored`,
          options,
        );
      case "conflict":
        return new DatabaseConflictError(`${this.#subject} rolled back (${found})`, options);
      case "unusable":
        return new DatabaseUnusableError(
          `${this.#subject} rejects us: ${error.message}. Check --database and the rights of its ` +
            "user. It makes the tables itself: let it own the database, or " +
            "GRANT CREATE on the database and on its schema public",
          options,
        );
      case "unavailable":
        return new DatabaseUnavailableError(
          `${this.#subject} is not available (${found})`,
          options,
        );
      case "statement":
        return new DatabaseStatementError(found, options);
    }
  }
}
