/** The SQLite form of `archive.ts`. */

import type { JsonText, Topic } from "@ovation/protocol";
import type {
  ArchiveEvent,
  ArchiveReader,
  ArchiveWriter,
  TopicRecord,
} from "../archive/archive.ts";
import { mintEpoch } from "../epoch.ts";
import { checksumOf, INSERT_EVENT, type InsertedEvent } from "../event-checksum.ts";
import { PROBLEMS_MAX } from "../limits.ts";
import { openLogFile, openLogFileToRead, unusableFrom } from "./log-file.ts";

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly at: number;
  readonly stamp: number;
  readonly epoch: string;
  readonly data: JsonText;
  readonly topicId: number;
  readonly typeId: number;
  readonly life: number;
  /** Null for events of before there were any. */
  readonly checksum: number | null;
}

export async function readSqliteArchive<Result>(
  path: string,
  run: (reader: ArchiveReader) => Promise<Result>,
): Promise<Result> {
  const database = openLogFileToRead(path);
  try {
    // Everything that is read is of one moment, also while the log is in use: that of the first
    // read.
    database.run("BEGIN");
    database.run("SELECT 1 FROM lives");
    const topics = database.prepare<TopicRecord, [string, number]>(
      `SELECT name AS topic, seq, first, topics.stamp AS stamp, ifnull(epoch, '') AS epoch
       FROM topics LEFT JOIN lives ON lives.id = topics.life WHERE name > ? ORDER BY name LIMIT ?`,
    );
    const hasChecksums =
      database.query("SELECT 1 FROM pragma_table_info('events') WHERE name = 'checksum'").get() !==
      null;
    const events = database.prepare<EventRow, [string, number, number]>(
      `SELECT seq, ifnull(types.name, '') AS type, at, events.stamp AS stamp,
         ifnull(epoch, '') AS epoch, data, topic AS topicId, type AS typeId, life,
         ${hasChecksums ? "checksum" : "NULL AS checksum"}
       FROM events LEFT JOIN types ON types.id = events.type
          LEFT JOIN lives ON lives.id = events.life
       WHERE topic = (SELECT id FROM topics WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ?`,
    );
    const keys = database.prepare<{ count: number }, []>("SELECT count(*) AS count FROM keys");
    const lost = database.prepare<{ count: number }, []>(
      "SELECT count(*) AS count FROM keys JOIN topics ON topics.id = keys.topic WHERE keys.seq " +
        "> topics.seq",
    );
    const integrity = database.prepare<{ integrity_check: string }, []>(
      `PRAGMA integrity_check(${PROBLEMS_MAX})`,
    );
    const orphans = database.prepare<{ table: string; parent: string }, []>(
      "PRAGMA foreign_key_check",
    );
    try {
      return await run({
        async inspect() {
          const damages = integrity.all().map((row) => row.integrity_check);
          if (damages.length !== 1 || damages[0] !== "ok")
            return { listed: damages, count: damages.length };
          const beyond = lost.get()?.count ?? 0;
          const listed = beyond > 0 ? [`${beyond} keys name events beyond their topic's head`] : [];
          let count = listed.length;
          for (const { table, parent } of orphans.iterate()) {
            if (count++ < PROBLEMS_MAX)
              listed.push(`a row of ${table} names a row of ${parent} that is not there`);
          }
          return { listed, count };
        },
        countKeys: async () => keys.get()?.count ?? 0,
        topics: async (after, limit) => topics.all(after, limit),
        events: async (topic, after, limit) =>
          events.all(topic, after, limit).map((row) => eventFrom(topic, row)),
      });
    } finally {
      for (const statement of [topics, events, keys, lost, integrity, orphans])
        statement.finalize();
    }
  } catch (error) {
    throw unusableFrom(error, path) ?? error;
  } finally {
    database.close();
  }
}

export async function writeSqliteArchive<Result>(
  path: string,
  run: (writer: ArchiveWriter) => Promise<Result>,
): Promise<Result> {
  const database = openLogFile(path);
  const one = <Row>(sql: string, parameter: string): Row | null =>
    database.query<Row, [string]>(sql).get(parameter);
  const idOf = (table: "types" | "topics", name: string): number | undefined =>
    one<{ id: number }>(`SELECT id FROM ${table} WHERE name = ?`, name)?.id;
  try {
    database.run("BEGIN IMMEDIATE");
    const epoch = mintEpoch(
      (candidate) => one("SELECT id FROM lives WHERE epoch = ?", candidate) !== null,
    );
    const life = Number(
      database.run(
        "INSERT INTO lives (epoch, stamp) VALUES (?, ifnull((SELECT max(stamp) FROM topics), 0))",
        [epoch],
      ).lastInsertRowid,
    );
    const insert = database.query<never, [...InsertedEvent]>(INSERT_EVENT);
    const result = await run({
      epoch,
      seqOf: async (topic) =>
        one<{ seq: number }>("SELECT seq FROM topics WHERE name = ?", topic)?.seq ?? 0,
      async write(events) {
        for (const { topic, type, at, data, place } of events) {
          const topicId =
            idOf("topics", topic) ??
            Number(
              database.run(
                "INSERT INTO topics (name, seq, first, stamp, first_stamp, life) VALUES (?, 0, " +
                  "1, 0, 0, ?)",
                [topic, life],
              ).lastInsertRowid,
            );
          const typeId =
            idOf("types", type) ??
            Number(database.run("INSERT INTO types (name) VALUES (?)", [type]).lastInsertRowid);
          const { seq, stamp } = place;
          const checksum = checksumOf(topicId, { seq, type: typeId, at, stamp, life, data });
          insert.run(topicId, seq, typeId, at, stamp, life, data, checksum);
        }
      },
      async finish({ topic, seq, first, stamp, firstStamp }) {
        database.run(
          `INSERT INTO topics (name, seq, first, stamp, first_stamp, life) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, first = excluded.first,
             stamp = excluded.stamp,
             first_stamp = excluded.first_stamp, life = excluded.life`,
          [topic, seq, first, stamp, firstStamp, life],
        );
      },
    });
    database.run("COMMIT");
    return result;
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    throw error;
  } finally {
    database.close();
  }
}

function eventFrom(topic: Topic, row: EventRow): ArchiveEvent {
  const { seq, type, at, stamp, epoch, data, topicId, checksum } = row;
  const isAltered =
    checksum !== null && checksum !== checksumOf(topicId, { ...row, type: row.typeId });
  return { topic, type, at, data, place: { seq, epoch, stamp }, isAltered };
}
