/**
 * The log in an SQLite file, for one machine. WAL, `synchronous = FULL`: an append is on disk when
 * it is acknowledged. Writes run in a worker, reads here.
 *
 * The worker was decided by measurement: it costs a commit group of 64 comments about 0.1 ms, while
 * an fsync on this thread would hold up every broadcast of the process for as long as the disk
 * likes.
 *
 * Lives: every opening of the file begins a new one, so a backup that is restored and appended to
 * names its events differently from those that were lost. A life records the stamp at which the
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
import { GroupCommit } from "../group-commit.ts";
import { TRIM_EVENTS_MAX, TRIM_TOPICS_MAX } from "../limits.ts";
import {
  KEY_AGE_MS,
  type Log,
  LogDamagedError,
  type LogKeeper,
  LogUnavailableError,
  LogUnusableError,
} from "../log.ts";
import { TrimRound } from "../retention.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import { corrupt, unusableFrom } from "./sqlite-schema.ts";
import { SqliteWorkerClient } from "./sqlite-worker-client.ts";

export interface SqliteLogOptions {
  /** The file; it and its directory are made where they are missing. */
  readonly path: string;
  readonly clock?: Clock;
  /** What retention each kind has. */
  readonly policy?: Policy;
  readonly queueEntriesMax?: number;
}

/** What a read of a file that was opened is told: damage, by the file's name, or why it cannot be read. */
function readFailure(error: unknown, path: string): unknown {
  const damage =
    error instanceof LogDamagedError ? corrupt(path, error.message) : unusableFrom(error, path);
  if (damage !== undefined) return new LogDamagedError(damage.message);
  if (!(error instanceof SQLiteError)) return error;
  const found = `${error.code}: ${error.message}`;
  return new LogUnavailableError(`the log ${path} cannot be read (${found})`);
}

/** Opens or makes the log. Rejects with LogUnusableError where the file is not ours to write; it is left as it was. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Log & LogKeeper> {
  const path = resolve(options.path);
  const clock = options.clock ?? systemClock;
  const policy = options.policy ?? DEFAULT_POLICY;
  const writer = new SqliteWorkerClient();
  let reader: SqliteReader;
  try {
    await writer.ask({ kind: "open", path });
    reader = new SqliteReader(path);
  } catch (error) {
    writer.terminate();
    throw error;
  }
  const commits = new GroupCommit({
    commit: (calls) =>
      writer.ask({ kind: "commit", now: clock.now(), calls }).catch((error: unknown) => {
        throw error instanceof LogUnusableError ? new LogDamagedError(error.message) : error;
      }),
    // A second group on its way while the first one commits was measured, and gains nothing.
    inFlightMax: 1,
    ...(options.queueEntriesMax === undefined ? {} : { queueEntriesMax: options.queueEntriesMax }),
  });
  let closing: Promise<void> | undefined;

  async function read<Result>(run: () => Result): Promise<Result> {
    if (closing !== undefined) throw new LogUnavailableError("the log is closed");
    try {
      return run();
    } catch (error) {
      throw readFailure(error, path);
    }
  }

  const trimRound = new TrimRound();
  async function trim(limit: number): Promise<number> {
    const now = clock.now();
    let keys = TRIM_EVENTS_MAX;
    while (keys === TRIM_EVENTS_MAX)
      keys = await writer.ask({
        kind: "trim-keys",
        before: now - KEY_AGE_MS,
        limit: TRIM_EVENTS_MAX,
      });
    return trimRound.run(limit, (range) =>
      writer.ask({
        kind: "trim-events",
        step: { policy, now, topicsMax: TRIM_TOPICS_MAX, ...range },
      }),
    );
  }

  async function clear(topic: Topic, below: number): Promise<number> {
    let dropped = 0;
    for (;;) {
      const count: number = await writer.ask({
        kind: "clear",
        topic,
        below,
        limit: TRIM_EVENTS_MAX,
      });
      dropped += count;
      if (count < TRIM_EVENTS_MAX) return dropped;
    }
  }

  async function close(): Promise<void> {
    await commits.close();
    reader.close();
    // The last connection to close folds the WAL into the file.
    await writer.ask({ kind: "close" });
    writer.terminate();
  }

  return {
    append: (entries) => commits.append(entries),
    read: (topic, query) => read(() => reader.read(topic, query)),
    heads: (topics) => read(() => reader.heads(topics)),
    headAt: (topic, stamp) => read(() => reader.headAt(topic, stamp)),
    tally: (topic, query) => read(() => reader.tally(topic, query)),
    changes: (since, limit) => read(() => reader.changes(since, limit)),
    reached: (moment) => read(() => reader.reached(moment)),
    wrote: (topic, seq, epoch) => read(() => reader.wrote(topic, seq, epoch)),
    trim,
    clear,
    // One process has the file.
    claimUpkeep: async () => true,
    probe: async () => {
      await writer.ask({ kind: "probe" });
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
