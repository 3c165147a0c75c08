/**
 * The log in an SQLite file, for one machine. WAL, `synchronous = FULL`: an append is on disk when
 * it is acknowledged. Writes run in a worker, reads here.
 *
 * The worker was decided by measurement: it costs a commit group of 64 comments about 0.1 ms, while
 * an fsync on this thread would hold up every broadcast of the process for as long as the disk
 * likes.
 *
 * Lives: every opening of the file begins a new one, so a backup that is restored and appended to
 * names its events differently from those that were lost. An epoch records the stamp at which the
 * lives before it ended, so a moment that a restored log never reached is recognised (`reached`).
 *
 * Stamps: one per commit group, the clock's ms but always above the last one in the file, also
 * after a restart and when the clock jumps back. `changes().stamp` is the newest one, exactly.
 */

import { SQLiteError } from "bun:sqlite";
import { resolve } from "node:path";
import {
  type Clock,
  DEFAULT_POLICY,
  type Policy,
  systemClock,
  type Topic,
} from "@ovation/protocol";
import { type Call, GroupCommit } from "../group-commit.ts";
import { TRIM_EVENTS_MAX, TRIM_TOPICS_MAX } from "../limits.ts";
import {
  type Appended,
  KEY_AGE_MS,
  type Log,
  LogDamagedError,
  type LogEntry,
  type LogKeeper,
  LogUnavailableError,
  LogUnusableError,
} from "../log.ts";
import { TrimRound } from "../retention.ts";
import { corrupt, unusableFrom } from "./log-file.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import { SqliteWorkerClient } from "./sqlite-worker-client.ts";

export interface SqliteLogOptions {
  /** The file; it and its directory are made where they are missing. */
  readonly path: string;
  readonly clock?: Clock;
  /** What retention each kind has. */
  readonly policy?: Policy;
  readonly queueEntriesMax?: number;
}

/**
 * What a read of a file that was opened is told: damage, by the file's name, or why it cannot be
 * read.
 */
function readFailure(error: unknown, path: string): unknown {
  const damage =
    error instanceof LogDamagedError ? corrupt(path, error.message) : unusableFrom(error, path);
  if (damage !== undefined) return new LogDamagedError(damage.message);
  if (!(error instanceof SQLiteError)) return error;
  const found = `${error.code}: ${error.message}`;
  return new LogUnavailableError(`the log ${path} cannot be read (${found})`);
}

/** Rejects with {@link LogUnusableError}, with the file as it was, where it is not usable. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Log & LogKeeper> {
  const path = resolve(options.path);
  const writer = new SqliteWorkerClient();
  try {
    await writer.ask({ kind: "open", path });
    return new SqliteLog(path, writer, new SqliteReader(path), options);
  } catch (error) {
    writer.terminate();
    throw error;
  }
}

class SqliteLog implements Log, LogKeeper {
  readonly #path: string;
  readonly #writer: SqliteWorkerClient;
  readonly #reader: SqliteReader;
  readonly #clock: Clock;
  readonly #policy: Policy;
  readonly #commits: GroupCommit;
  readonly #trimRound = new TrimRound();
  #closing: Promise<void> | undefined;

  constructor(
    path: string,
    writer: SqliteWorkerClient,
    reader: SqliteReader,
    options: SqliteLogOptions,
  ) {
    this.#path = path;
    this.#writer = writer;
    this.#reader = reader;
    this.#clock = options.clock ?? systemClock;
    this.#policy = options.policy ?? DEFAULT_POLICY;
    this.#commits = new GroupCommit({
      commit: (calls) => this.#commit(calls),
      // A second group in flight while the first one commits was measured, and gains nothing.
      inFlightMax: 1,
      ...(options.queueEntriesMax === undefined
        ? {}
        : { queueEntriesMax: options.queueEntriesMax }),
    });
  }

  append(entries: readonly LogEntry[]): Promise<readonly Appended[]> {
    return this.#commits.append(entries);
  }

  read(...query: Parameters<Log["read"]>): ReturnType<Log["read"]> {
    return this.#run(() => this.#reader.read(...query));
  }

  heads(topics: readonly Topic[]): ReturnType<Log["heads"]> {
    return this.#run(() => this.#reader.heads(topics));
  }

  headAt(...query: Parameters<Log["headAt"]>): ReturnType<Log["headAt"]> {
    return this.#run(() => this.#reader.headAt(...query));
  }

  tally(...query: Parameters<Log["tally"]>): ReturnType<Log["tally"]> {
    return this.#run(() => this.#reader.tally(...query));
  }

  changes(...query: Parameters<Log["changes"]>): ReturnType<Log["changes"]> {
    return this.#run(() => this.#reader.changes(...query));
  }

  reached(...query: Parameters<Log["reached"]>): ReturnType<Log["reached"]> {
    return this.#run(() => this.#reader.reached(...query));
  }

  wrote(...query: Parameters<Log["wrote"]>): ReturnType<Log["wrote"]> {
    return this.#run(() => this.#reader.wrote(...query));
  }

  async trim(limit: number): Promise<number> {
    const now = this.#clock.now();
    let keys = TRIM_EVENTS_MAX;
    while (keys === TRIM_EVENTS_MAX)
      keys = await this.#writer.ask({
        kind: "trim-keys",
        before: now - KEY_AGE_MS,
        limit: TRIM_EVENTS_MAX,
      });
    const step = { policy: this.#policy, now, topicsMax: TRIM_TOPICS_MAX };
    return this.#trimRound.run(limit, (range) =>
      this.#writer.ask({ kind: "trim-events", step: { ...step, ...range } }),
    );
  }

  async clear(topic: Topic, below: number): Promise<number> {
    let dropped = 0;
    for (;;) {
      const limit = TRIM_EVENTS_MAX;
      const count: number = await this.#writer.ask({ kind: "clear", topic, below, limit });
      dropped += count;
      if (count < limit) return dropped;
    }
  }

  /** One process has the file. */
  async claimUpkeep(): Promise<boolean> {
    return true;
  }

  async probe(): Promise<void> {
    await this.#writer.ask({ kind: "probe" });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#commits.close();
    this.#reader.close();
    // The last connection to close folds the WAL into the file.
    await this.#writer.ask({ kind: "close" });
    this.#writer.terminate();
  }

  async #commit(calls: readonly Call[]): Promise<readonly (readonly Appended[])[]> {
    try {
      return await this.#writer.ask({ kind: "commit", now: this.#clock.now(), calls });
    } catch (error) {
      throw error instanceof LogUnusableError ? new LogDamagedError(error.message) : error;
    }
  }

  async #run<Result>(read: () => Result): Promise<Result> {
    if (this.#closing !== undefined) throw new LogUnavailableError("the log is closed");
    try {
      return read();
    } catch (error) {
      throw readFailure(error, this.#path);
    }
  }
}
