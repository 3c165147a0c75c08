/**
 * The log in PostgreSQL, for clusters: any number of comments processes append to the same topics.
 *
 * Append: a commit group is one statement (`postgres-appends.ts`), one after the other; what comes
 * meanwhile is the next group. Topics are locked in the order of their names, so numbers have no
 * hole and the groups of several processes do not deadlock; if the server takes one back all the
 * same, it is tried again.
 *
 * Stamps: the server's clock, read while the topics are locked, and always above every stamp
 * committed before, so they still rise when the clock jumps back.
 *
 * `changes().stamp`: behind the newest stamp by what appends in flight may still add below it,
 * which is found by the numbers of their transactions and no clock (`postgres-horizon.ts`). No
 * time-out is needed for this to hold, which is as well, since PostgreSQL has none for the fsync of
 * a commit.
 *
 * Epochs: a new one begins whenever the server has restarted or the tables are others than
 * before: a restored dump, a restored disk, a promoted standby. Rows carry the epoch that wrote
 * them, and an epoch records the stamp at which those before it ended (`reached`).
 */

import { type Clock, DEFAULT_POLICY, type Policy, type Topic } from "@ovation/protocol";
import { type Call, GroupCommit } from "../group-commit.ts";
import {
  POSTGRES_APPENDS_MAX,
  TRIM_EVENTS_MAX,
  TRIM_TOPIC_EVENTS_MAX,
  TRIM_TOPICS_MAX,
} from "../limits.ts";
import {
  type Appended,
  KEY_AGE_MS,
  type Log,
  type LogEntry,
  type LogKeeper,
  LogUnavailableError,
} from "../log.ts";
import { excessOfKinds, type TrimmedStep, TrimRound, type TrimStep } from "../retention.ts";
import { LogClient } from "./log-client.ts";
import { PostgresAppends } from "./postgres-appends.ts";
import { PostgresReads } from "./postgres-reads.ts";
import { migrateLog } from "./postgres-versions.ts";

export interface PostgresLogOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly policy?: Policy;
  /** For the pauses between attempts. Stamps are by the server's clock. */
  readonly clock?: Clock;
  readonly queueEntriesMax?: number;
  /** A query without an answer for this long rejects with LogUnavailableError. Default 8,000. */
  readonly answerMsMax?: number;
  /** Once, with a sentence for the process's log: the database is behind a transaction pooler. */
  onPooler?(what: string): void;
}

/**
 * Connects and migrates. Rejects with LogUnavailableError while the server cannot be reached (try
 * again), with LogUnusableError where trying again would not help.
 */
export async function openPostgresLog(options: PostgresLogOptions): Promise<Log & LogKeeper> {
  const client = new LogClient(options.url, {
    answerMsMax: options.answerMsMax,
    onPooler: (what) => options.onPooler?.(what),
  });
  try {
    await migrateLog(client);
  } catch (error) {
    await client.close();
    throw error;
  }
  return new PostgresLog(client, options);
}

interface ExcessRow {
  readonly id: number;
  readonly events_max: number;
  readonly stamp_min: number;
}

class PostgresLog implements Log, LogKeeper {
  readonly #client: LogClient;
  readonly #reads: PostgresReads;
  readonly #appends: PostgresAppends;
  readonly #commits: GroupCommit;
  readonly #policy: Policy;
  readonly #trimRound = new TrimRound();
  /** By this name the process holds the upkeep. */
  readonly #holder = crypto.randomUUID();
  #closing: Promise<void> | undefined;

  constructor(client: LogClient, options: PostgresLogOptions) {
    this.#client = client;
    this.#reads = new PostgresReads(client);
    this.#appends = new PostgresAppends(client, options.clock);
    this.#policy = options.policy ?? DEFAULT_POLICY;
    this.#commits = new GroupCommit({
      commit: (calls) => this.#commit(calls),
      inFlightMax: POSTGRES_APPENDS_MAX,
      ...(options.queueEntriesMax === undefined
        ? {}
        : { queueEntriesMax: options.queueEntriesMax }),
    });
  }

  append(entries: readonly LogEntry[]): Promise<readonly Appended[]> {
    return this.#commits.append(entries);
  }

  async read(...query: Parameters<Log["read"]>): ReturnType<Log["read"]> {
    this.#assertOpen();
    return this.#reads.read(...query);
  }

  async heads(topics: readonly Topic[]): ReturnType<Log["heads"]> {
    this.#assertOpen();
    return this.#reads.heads(topics);
  }

  async headAt(...query: Parameters<Log["headAt"]>): ReturnType<Log["headAt"]> {
    this.#assertOpen();
    return this.#reads.headAt(...query);
  }

  async tally(...query: Parameters<Log["tally"]>): ReturnType<Log["tally"]> {
    this.#assertOpen();
    return this.#reads.tally(...query);
  }

  async changes(...query: Parameters<Log["changes"]>): ReturnType<Log["changes"]> {
    this.#assertOpen();
    return this.#reads.changes(...query);
  }

  async reached(...query: Parameters<Log["reached"]>): ReturnType<Log["reached"]> {
    this.#assertOpen();
    return this.#reads.reached(...query);
  }

  async wrote(...query: Parameters<Log["wrote"]>): ReturnType<Log["wrote"]> {
    this.#assertOpen();
    return this.#reads.wrote(...query);
  }

  async trim(limit: number): Promise<number> {
    this.#assertOpen();
    const now = await this.#trimKeys();
    const kinds = JSON.stringify(excessOfKinds(this.#policy, now));
    return this.#trimRound.run(limit, (range) => this.#trimStep(kinds, range));
  }

  async clear(topic: Topic, below: number): Promise<number> {
    this.#assertOpen();
    let dropped = 0;
    for (;;) {
      const [row] = await this.#client.query<{ count: number }>(
        "reads",
        "SELECT ovation_log.clear_topic($1, $2, $3) AS count",
        [topic, below, TRIM_EVENTS_MAX],
      );
      dropped += row?.count ?? 0;
      if ((row?.count ?? 0) < TRIM_EVENTS_MAX) return dropped;
    }
  }

  /** A standby answers reads and takes no append. */
  async probe(): Promise<void> {
    this.#assertOpen();
    const [row] = await this.#client.query<{ standby: boolean }>(
      "reads",
      "SELECT pg_is_in_recovery() AS standby",
    );
    if (row?.standby === true)
      throw new LogUnavailableError(
        `the log's database ${this.#client.endpoint} is a standby, which takes no appends`,
      );
  }

  async claimUpkeep(ttlMs: number): Promise<boolean> {
    this.#assertOpen();
    const rows = await this.#client.query(
      "reads",
      `INSERT INTO ovation_log.upkeep AS held (holder, until) VALUES ($1, ovation_log.now_ms() + $2)
       ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, until = excluded.until
       WHERE held.holder = excluded.holder OR held.until < ovation_log.now_ms() RETURNING 1`,
      [this.#holder, ttlMs],
    );
    return rows.length > 0;
  }

  /** The server finds the topics with an excess: a million that have none do not travel. */
  async #trimStep(
    kinds: string,
    { cursor, last, limit }: Pick<TrimStep, "cursor" | "last" | "limit">,
  ): Promise<TrimmedStep> {
    const topics = await this.#client.query<ExcessRow>(
      "reads",
      `SELECT t.id::double precision AS id, k."eventsMax"::double precision AS events_max,
         k."stampMin"::double precision AS stamp_min
       FROM ovation_log.topics t JOIN json_to_recordset($1::text::json)
         AS k (kind text, "eventsMax" bigint, "stampMin" bigint)
         ON k.kind = split_part(t.name, ':', 1)
       WHERE t.id > $2 AND t.id <= $3 AND t.first <= t.seq
         AND (t.seq - t.first + 1 > k."eventsMax" OR t.first_stamp < k."stampMin")
       ORDER BY t.id LIMIT $4`,
      [kinds, cursor, last, TRIM_TOPICS_MAX],
    );
    let dropped = 0;
    for (const { id, events_max, stamp_min } of topics) {
      const most = Math.min(limit - dropped, TRIM_TOPIC_EVENTS_MAX);
      const [row] = await this.#client.query<{ count: number }>(
        "reads",
        "SELECT ovation_log.trim_topic($1, $2, $3, $4) AS count",
        [id, events_max, stamp_min, most],
      );
      dropped += row?.count ?? 0;
      if (dropped >= limit) return { dropped, cursor: id };
    }
    return { dropped, cursor: topics.length < TRIM_TOPICS_MAX ? undefined : topics.at(-1)?.id };
  }

  close(): Promise<void> {
    this.#closing ??= this.#commits.close().then(() => this.#client.close());
    return this.#closing;
  }

  /** Answers the server's time, ms since 1970: the clock of the stamps. */
  async #trimKeys(): Promise<number> {
    const [row] = await this.#client.query<{ now: number }>(
      "reads",
      "SELECT ovation_log.now_ms()::double precision AS now",
    );
    const now = row?.now ?? 0;
    let count = TRIM_EVENTS_MAX;
    while (count === TRIM_EVENTS_MAX) {
      const gone = await this.#client.query(
        "reads",
        `DELETE FROM ovation_log.keys WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ovation_log.keys WHERE stamp < $1 ORDER BY stamp LIMIT $2))
             RETURNING 1`,
        [now - KEY_AGE_MS, TRIM_EVENTS_MAX],
      );
      count = gone.length;
    }
    return now;
  }

  async #commit(calls: readonly Call[]): Promise<readonly (readonly Appended[])[]> {
    const appended = await this.#appends.append(calls.flat());
    let from = 0;
    return calls.map((call) => {
      from += call.length;
      return appended.slice(from - call.length, from);
    });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new LogUnavailableError("the log is closed");
  }
}
