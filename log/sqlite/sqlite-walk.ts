/**
 * Verifies the events of an SQLite log step by step, beside a server that appends to it: checksums,
 * numbers without a hole, and that the index by type finds each event. A step is a read of its own,
 * so that the WAL is not kept from being checkpointed for as long as a walk takes.
 */

import type { Database } from "bun:sqlite";
import { openSqliteFileToRead, type WalkStep } from "@ovation/database";
import { checksumOf } from "../event-checksum.ts";
import { SQLITE_BUSY_MS } from "../limits.ts";

interface WalkedRow {
  readonly topic: number;
  readonly seq: number;
  readonly type: number;
  readonly at: number;
  readonly stamp: number;
  readonly life: number;
  readonly data: string;
  readonly checksum: number | null;
}

/** Numbers of an event beside its data. */
const EVENT_BYTES = 40;

export class LogWalk {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  #at: { readonly topic: number; readonly seq: number } = { topic: -1, seq: 0 };

  /** The log must be there, and this process may have it open: nothing but SQLite opens it. */
  constructor(path: string) {
    this.#database = openSqliteFileToRead(path, SQLITE_BUSY_MS);
    this.#statements = prepare(this.#database);
  }

  step(limit: number): WalkStep {
    this.#database.run("BEGIN");
    try {
      const rows = this.#statements.page.all(this.#at.topic, this.#at.seq, limit);
      const problems: string[] = [];
      let bytes = 0;
      for (const row of rows) {
        bytes += row.data.length + EVENT_BYTES;
        this.#check(row, problems);
        this.#at = row;
      }
      const done = rows.length < limit;
      if (done) this.#checkEnd(problems);
      return { rows: rows.length, bytes, problems, done };
    } finally {
      this.#database.run("COMMIT");
    }
  }

  #check(row: WalkedRow, problems: string[]): void {
    const topic = this.#statements.topic.get(row.topic);
    const name = `event ${row.seq} of ${topic?.name ?? `a topic ${row.topic} that is not there`}`;
    if (topic === null || row.seq > topic.seq)
      problems.push(`${name} is beyond what its topic says`);
    if (row.checksum !== null && row.checksum !== checksumOf(row.topic, row))
      problems.push(`${name} is not what was written`);
    if (row.topic !== this.#at.topic) this.#checkEnd(problems);
    const before = row.topic === this.#at.topic ? this.#at.seq : undefined;
    // Retention may have gone on since the last step, up to the topic's first number.
    const isNext = row.seq === (before ?? 0) + 1 || row.seq === topic?.first;
    if (!isNext) problems.push(`the one before ${name} is not there`);
    if (this.#statements.indexed.get(row.topic, row.type, row.seq) === null)
      problems.push(`the index by type does not have ${name}`);
  }

  /** The last event that was seen of a topic is its newest. */
  #checkEnd(problems: string[]): void {
    const topic = this.#statements.topic.get(this.#at.topic);
    if (topic !== null && this.#at.seq < topic.seq && topic.first <= topic.seq)
      problems.push(`events ${this.#at.seq + 1} to ${topic.seq} of ${topic.name} are not there`);
  }

  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }
}

function prepare(database: Database) {
  return {
    page: database.prepare<WalkedRow, [number, number, number]>(
      `SELECT topic, seq, type, at, stamp, life, data, checksum FROM events
       WHERE (topic, seq) > (?, ?) ORDER BY topic, seq LIMIT ?`,
    ),
    topic: database.prepare<{ name: string; seq: number; first: number }, [number]>(
      "SELECT name, seq, first FROM topics WHERE id = ?",
    ),
    indexed: database.prepare<{ seq: number }, [number, number, number]>(
      `SELECT seq FROM events INDEXED BY events_by_type
       WHERE topic = ? AND type = ? AND seq = ?`,
    ),
  };
}
