/**
 * The one connection that writes to the SQLite file: a commit group is one transaction here. Runs
 * in a worker (`sqlite-worker.ts`), so that an fsync never stalls the process's broadcasts.
 */

import type { Database } from "bun:sqlite";
import type { Epoch, JsonText, Topic } from "@ovation/protocol";
import { mintEpoch } from "../epoch.ts";
import {
  type ChecksummedRow,
  checksumOf,
  INSERT_EVENT,
  type InsertedEvent,
} from "../event-checksum.ts";
import type { Call } from "../group-commit.ts";
import { NAMES_MAX, TRIM_TOPIC_EVENTS_MAX } from "../limits.ts";
import type { Appended, LogEntry } from "../log.ts";
import { excessOf, type TopicExcess, type TrimmedStep, type TrimStep } from "../retention.ts";
import { openLogFile } from "./log-file.ts";

interface TopicRow {
  readonly id: number;
  readonly name: Topic;
  seq: number;
  first: number;
  first_stamp: number;
}

interface KeyRow {
  readonly seq: number;
  readonly at: number;
  readonly stamp: number;
  readonly life: number;
}

interface StoredRow {
  readonly type: string;
  readonly data: JsonText;
}

export class SqliteWriter {
  readonly #database: Database;
  /** The name of the epoch that this opening begins. */
  readonly #epoch: Epoch;
  /** The id of this opening's row in `lives`: written with the first commit. */
  #life: number | undefined;
  readonly #types = new Map<string, number>();
  readonly #statements: ReturnType<typeof prepare>;

  constructor(path: string) {
    this.#database = openLogFile(path);
    this.#statements = prepare(this.#database);
    this.#epoch = mintEpoch((epoch) => this.#statements.lifeNamed.get(epoch) !== null);
  }

  /** Hot path: one transaction for all calls; some 10 µs an entry with its key, and one fsync. */
  commit(now: number, calls: readonly Call[]): readonly (readonly Appended[])[] {
    return this.#transaction(() => {
      const last = this.#statements.lastStamp.get()?.stamp ?? -1;
      const stamp = Math.max(now, last + 1);
      const topics = new Map<Topic, TopicRow>();
      const grown = new Set<TopicRow>();
      const life = this.#beginLife(last);
      const results = calls.map((call) =>
        call.map((entry) => {
          const topic = topics.get(entry.topic) ?? this.#topicRow(entry.topic, stamp, life);
          topics.set(entry.topic, topic);
          const first =
            entry.key === undefined ? undefined : this.#duplicateOf(topic.id, entry.key);
          if (first !== undefined) return first;
          grown.add(topic);
          return this.#insert(topic, entry, stamp, life);
        }),
      );
      for (const topic of grown)
        this.#statements.growTopic.run(topic.seq, stamp, topic.first_stamp, life, topic.id);
      return results;
    });
  }

  /** Keys whose stamp is below `before` are forgotten, at most `limit`. Answers how many went. */
  trimKeys(before: number, limit: number): number {
    return this.#transaction(() => this.#statements.deleteKeys.run(before, limit).changes);
  }

  /** Looks at the topics of the step's range and drops what is past their retention. */
  trimEvents(step: TrimStep): TrimmedStep {
    return this.#transaction(() => {
      const topics = this.#statements.topicsAfter.all(step.cursor, step.last, step.topicsMax);
      let dropped = 0;
      for (const topic of topics) {
        const excess = excessOf(step.policy, topic.name, step.now);
        if (excess === undefined) continue;
        const most = Math.min(step.limit - dropped, TRIM_TOPIC_EVENTS_MAX);
        dropped += this.#trimTopic(topic, excess, most);
        if (dropped >= step.limit) return { dropped, cursor: topic.id };
      }
      return { dropped, cursor: topics.length < step.topicsMax ? undefined : topics.at(-1)?.id };
    });
  }

  /** Drops events of the topic below a number, at most `limit`. Answers how many went. */
  clear(name: Topic, below: number, limit: number): number {
    return this.#transaction(() => {
      const topic = this.#statements.topicNamed.get(name);
      if (topic === null) return 0;
      const eventsMax = Math.max(0, topic.seq - below + 1);
      const dropped = this.#trimTopic(topic, { eventsMax, stampMin: 0 }, limit);
      this.#statements.forgetDropped.run(topic.id);
      return dropped;
    });
  }

  /** Takes the write lock and gives it back. */
  probe(): void {
    this.#database.run("BEGIN IMMEDIATE");
    this.#database.run("ROLLBACK");
  }

  /**
   * The last connection to close folds the WAL into the file; one with open statements would linger
   * instead.
   */
  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }

  #trimTopic(topic: TopicRow, excess: TopicExcess, limit: number): number {
    const end = Math.min(topic.first + limit, topic.seq + 1);
    const byCount = topic.seq - excess.eventsMax + 1;
    const isAged = topic.first <= topic.seq && topic.first_stamp < excess.stampMin;
    const byAge = isAged
      ? (this.#statements.firstSince.get(topic.id, topic.first, end, excess.stampMin)?.seq ?? end)
      : topic.first;
    const first = Math.min(Math.max(byCount, byAge), end);
    if (first <= topic.first) return 0;
    this.#statements.countDropped.run(topic.id, first);
    this.#statements.deleteEvents.run(topic.id, first);
    const stamp = this.#statements.stampAt.get(topic.id, first)?.stamp ?? topic.first_stamp;
    this.#statements.trimTopic.run(first, stamp, topic.id);
    return first - topic.first;
  }

  #insert(topic: TopicRow, entry: LogEntry, stamp: number, life: number): Appended {
    const seq = topic.seq + 1;
    const type = this.#typeId(entry.type);
    const { at, data } = entry;
    const checksum = checksumOf(topic.id, { seq, type, at, stamp, life, data });
    this.#statements.insertEvent.run(topic.id, seq, type, at, stamp, life, data, checksum);
    if (entry.key !== undefined)
      this.#statements.insertKey.run(topic.id, entry.key, seq, entry.at, stamp, life);
    if (entry.replace !== undefined && entry.replace.seq < seq) {
      this.#replace(topic.id, entry.replace);
    }
    if (topic.first === seq) topic.first_stamp = stamp;
    topic.seq = seq;
    return { place: { seq, epoch: this.#epoch, stamp }, at: entry.at, duplicate: false };
  }

  #replace(topic: number, { seq, data }: { readonly seq: number; readonly data: string }): void {
    const row = this.#statements.rowAt.get(topic, seq);
    if (row === null) return;
    this.#statements.replaceEvent.run(data, checksumOf(topic, { ...row, data }), topic, seq);
  }

  #duplicateOf(topic: number, key: string): Appended | undefined {
    const first = this.#statements.keyOf.get(topic, key);
    if (first === null) return undefined;
    const stored = this.#statements.eventAt.get(topic, first.seq);
    const epoch = this.#statements.lifeOf.get(first.life)?.epoch ?? "";
    const place = { seq: first.seq, epoch, stamp: first.stamp };
    return { place, at: first.at, duplicate: true, ...(stored === null ? {} : { stored }) };
  }

  #topicRow(name: Topic, stamp: number, life: number): TopicRow {
    const row = this.#statements.topicNamed.get(name);
    if (row !== null) return row;
    const id = Number(this.#statements.insertTopic.run(name, stamp, stamp, life).lastInsertRowid);
    return { id, name, seq: 0, first: 1, first_stamp: stamp };
  }

  #typeId(name: string): number {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const id =
      this.#statements.typeNamed.get(name)?.id ??
      Number(this.#statements.insertType.run(name).lastInsertRowid);
    if (this.#types.size >= NAMES_MAX) this.#types.clear();
    this.#types.set(name, id);
    return id;
  }

  /** `last`: the newest stamp of the lives before. */
  #beginLife(last: number): number {
    this.#life ??= Number(this.#statements.insertLife.run(this.#epoch, last).lastInsertRowid);
    return this.#life;
  }

  #transaction<Result>(run: () => Result): Result {
    const life = this.#life;
    this.#statements.begin.run();
    try {
      const result = run();
      this.#statements.commit.run();
      return result;
    } catch (error) {
      // What was learnt within the transaction did not happen.
      this.#life = life;
      this.#types.clear();
      // SQLite itself takes some transactions back (a full disk); then there is none to end.
      if (this.#database.inTransaction) this.#statements.rollback.run();
      throw error;
    }
  }
}

function prepare(database: Database) {
  const statement = <Row, Parameters extends (string | number)[]>(sql: string) =>
    database.prepare<Row, Parameters>(sql);
  return {
    begin: statement<never, []>("BEGIN IMMEDIATE"),
    commit: statement<never, []>("COMMIT"),
    rollback: statement<never, []>("ROLLBACK"),
    lastStamp: statement<{ stamp: number | null }, []>("SELECT max(stamp) AS stamp FROM topics"),
    insertLife: statement<never, [string, number]>(
      "INSERT INTO lives (epoch, stamp) VALUES (?, ?)",
    ),
    lifeOf: statement<{ epoch: Epoch }, [number]>("SELECT epoch FROM lives WHERE id = ?"),
    lifeNamed: statement<{ id: number }, [string]>("SELECT id FROM lives WHERE epoch = ?"),
    typeNamed: statement<{ id: number }, [string]>("SELECT id FROM types WHERE name = ?"),
    insertType: statement<never, [string]>("INSERT INTO types (name) VALUES (?)"),
    topicNamed: statement<TopicRow, [string]>(
      "SELECT id, name, seq, first, first_stamp FROM topics WHERE name = ?",
    ),
    insertTopic: statement<never, [string, number, number, number]>(
      "INSERT INTO topics (name, seq, first, stamp, first_stamp, life) VALUES (?, 0, 1, ?, ?, ?)",
    ),
    growTopic: statement<never, [number, number, number, number, number]>(
      "UPDATE topics SET seq = ?, stamp = ?, first_stamp = ?, life = ? WHERE id = ?",
    ),
    insertEvent: statement<never, [...InsertedEvent]>(INSERT_EVENT),
    rowAt: statement<ChecksummedRow, [number, number]>(
      "SELECT seq, type, at, stamp, life, data FROM events WHERE topic = ? AND seq = ?",
    ),
    replaceEvent: statement<never, [string, number, number, number]>(
      "UPDATE events SET data = ?, checksum = ? WHERE topic = ? AND seq = ?",
    ),
    eventAt: statement<StoredRow, [number, number]>(
      "SELECT types.name AS type, data FROM events JOIN types ON types.id = events.type WHERE " +
        "topic = ? AND seq = ?",
    ),
    keyOf: statement<KeyRow, [number, string]>(
      // Hot path: without a join, which in bun:sqlite makes a miss cost 8 µs instead of 1.
      "SELECT seq, at, stamp, life FROM keys WHERE topic = ? AND key = ?",
    ),
    insertKey: statement<never, [number, string, number, number, number, number]>(
      "INSERT INTO keys (topic, key, seq, at, stamp, life) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    deleteKeys: statement<never, [number, number]>(
      "DELETE FROM keys WHERE (topic, key) IN (SELECT topic, key FROM keys WHERE stamp < ? " +
        "ORDER BY stamp LIMIT ?)",
    ),
    topicsAfter: statement<TopicRow, [number, number, number]>(
      `SELECT id, name, seq, first, first_stamp FROM topics
       WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`,
    ),
    firstSince: statement<{ seq: number }, [number, number, number, number]>(
      "SELECT seq FROM events WHERE topic = ? AND seq >= ? AND seq < ? AND stamp >= ? ORDER BY " +
        "seq LIMIT 1",
    ),
    stampAt: statement<{ stamp: number }, [number, number]>(
      "SELECT stamp FROM events WHERE topic = ? AND seq = ?",
    ),
    deleteEvents: statement<never, [number, number]>(
      "DELETE FROM events WHERE topic = ? AND seq < ?",
    ),
    // By the primary key: a step of some thousand rows, not the topic's whole index by type.
    countDropped: statement<never, [number, number]>(
      `INSERT INTO dropped (topic, type, n)
       SELECT topic, +type, count(*) FROM events WHERE topic = ? AND seq < ? GROUP BY +type
       ON CONFLICT (topic, type) DO UPDATE SET n = n + excluded.n`,
    ),
    forgetDropped: statement<never, [number]>("DELETE FROM dropped WHERE topic = ?"),
    trimTopic: statement<never, [number, number, number]>(
      "UPDATE topics SET first = ?, first_stamp = ? WHERE id = ?",
    ),
  };
}
