/** The PostgreSQL form of `archive.ts`. */

import type { Query } from "@ovation/database";
import type { DurableEvent, JsonText, Topic } from "@ovation/protocol";
import type { ArchiveReader, ArchiveWriter, TopicRecord } from "../archive/archive.ts";
import { mintEpoch } from "../epoch.ts";
import { ARCHIVE_MS_MAX } from "../limits.ts";
import { LogUnusableError } from "../log.ts";
import { LogClient } from "./log-client.ts";
import { migrateLog } from "./postgres-versions.ts";

/** Another name than the log's own: a long read must not hold back what `changes` may conclude. */
const APPLICATION_NAME = "ovation-archive";

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly at: number;
  readonly stamp: number;
  readonly epoch: string;
  readonly data: JsonText;
}

const ORPHANS: readonly (readonly [what: string, from: string])[] = [
  [
    "topics name an unknown epoch",
    "topics t WHERE NOT EXISTS (SELECT FROM ovation_log.lives l WHERE l.id = t.life)",
  ],
  [
    "events name a topic that is not there",
    "events v WHERE NOT EXISTS (SELECT FROM ovation_log.topics t WHERE t.id = v.topic)",
  ],
  [
    "events name a type that is not there",
    "events v WHERE NOT EXISTS (SELECT FROM ovation_log.types y WHERE y.id = v.type)",
  ],
  [
    "events name an unknown epoch",
    "events v WHERE NOT EXISTS (SELECT FROM ovation_log.lives l WHERE l.id = v.life)",
  ],
  [
    "keys name a topic that is not there",
    "keys k WHERE NOT EXISTS (SELECT FROM ovation_log.topics t WHERE t.id = k.topic)",
  ],
  [
    "keys name events beyond their topic's head",
    "keys k JOIN ovation_log.topics t ON t.id = k.topic WHERE k.seq > t.seq",
  ],
];

export async function readPostgresArchive<Result>(
  url: string,
  run: (reader: ArchiveReader) => Promise<Result>,
): Promise<Result> {
  return withTransaction(url, async (query, where) => {
    // Everything that is read is of one moment, also while the log is in use.
    await query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    const [found] = await query<{ exists: boolean }>(
      "SELECT to_regclass('ovation_log.events') IS NOT NULL AS exists",
    );
    if (found?.exists !== true) throw new LogUnusableError(`there is no log in ${where}`);
    const count = async (from: string) =>
      (
        await query<{ count: number }>(
          `SELECT count(*)::double precision AS count FROM ovation_log.${from}`,
        )
      )[0]?.count ?? 0;
    return run({
      async inspect() {
        const problems: string[] = [];
        for (const [what, from] of ORPHANS) {
          const orphans = await count(from);
          if (orphans > 0) problems.push(`${orphans} ${what}`);
        }
        return { listed: problems, count: problems.length };
      },
      countKeys: () => count("keys"),
      topics: (after, limit) =>
        query<TopicRecord>(
          `SELECT t.name AS topic, t.seq::double precision AS seq,
             t.first::double precision AS first, t.stamp::double precision AS stamp,
             coalesce(l.epoch, '') AS epoch
           FROM ovation_log.topics t LEFT JOIN ovation_log.lives l ON l.id = t.life
             WHERE t.name > $1 ORDER BY t.name LIMIT $2`,
          [after, limit],
        ),
      events: async (topic, after, limit) => {
        const rows = await query<EventRow>(
          `SELECT v.seq::double precision AS seq, coalesce(y.name, '') AS type,
             v.at::double precision AS at,
             v.stamp::double precision AS stamp, coalesce(l.epoch, '') AS epoch, v.data AS data
           FROM ovation_log.events v LEFT JOIN ovation_log.types y ON y.id = v.type
            LEFT JOIN ovation_log.lives l ON l.id = v.life
           WHERE v.topic = (SELECT id FROM ovation_log.topics WHERE name = $1) AND v.seq > $2
             ORDER BY v.seq LIMIT $3`,
          [topic, after, limit],
        );
        return rows.map((row) => eventFrom(topic, row));
      },
    });
  });
}

export async function writePostgresArchive<Result>(
  url: string,
  run: (writer: ArchiveWriter) => Promise<Result>,
): Promise<Result> {
  const client = new LogClient(url);
  try {
    await migrateLog(client);
  } finally {
    await client.close();
  }
  return withTransaction(url, async (query) => {
    // No other transaction begins a topic meanwhile; reads do not wait.
    await query("LOCK TABLE ovation_log.topics IN SHARE ROW EXCLUSIVE MODE");
    const epoch = mintEpoch(() => false);
    const [life] = await query<{ id: number }>(
      `INSERT INTO ovation_log.lives (epoch, identity, system_identifier, timeline, stamp)
       SELECT $1, 'import/' || $1, system_identifier, 'import', (SELECT coalesce(max(stamp), 0)
         FROM ovation_log.topics)
       FROM pg_control_system() RETURNING id`,
      [epoch],
    );
    const lifeId = life?.id ?? 0;
    return run({
      epoch,
      seqOf: async (topic) =>
        (
          await query<{ seq: number }>(
            "SELECT seq::double precision AS seq FROM ovation_log.topics WHERE name = $1",
            [topic],
          )
        )[0]?.seq ?? 0,
      async write(events) {
        const rows = JSON.stringify(
          events.map(({ topic, type, at, data, place }) => ({
            topic,
            type,
            at,
            data,
            seq: place.seq,
            stamp: place.stamp,
          })),
        );
        const columns = "topic text, type text, at bigint, data text, seq bigint, stamp bigint";
        await query(
          `INSERT INTO ovation_log.types (name) SELECT DISTINCT type
             FROM json_to_recordset($1::text::json) AS e (${columns}) ON CONFLICT DO NOTHING`,
          [rows],
        );
        await query(
          `INSERT INTO ovation_log.topics (name, seq, first, stamp, first_stamp, life)
           SELECT DISTINCT topic, 0, 1, 0, 0, $2::integer
             FROM json_to_recordset($1::text::json) AS e (${columns}) ON CONFLICT DO NOTHING`,
          [rows, lifeId],
        );
        await query(
          `INSERT INTO ovation_log.events (topic, seq, type, at, stamp, life, data)
           SELECT t.id, e.seq, y.id, e.at, e.stamp, $2::integer, e.data
             FROM json_to_recordset($1::text::json) AS e (${columns})
           JOIN ovation_log.topics t ON t.name = e.topic
            JOIN ovation_log.types y ON y.name = e.type`,
          [rows, lifeId],
        );
      },
      async finish({ topic, seq, first, stamp, firstStamp }) {
        await query(
          `INSERT INTO ovation_log.topics (name, seq, first, stamp, first_stamp, life)
           VALUES ($1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::integer)
           ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, first = excluded.first,
             stamp = excluded.stamp,
             first_stamp = excluded.first_stamp, life = excluded.life`,
          [topic, seq, first, stamp, firstStamp, lifeId],
        );
      },
    });
  });
}

async function withTransaction<Result>(
  url: string,
  run: (query: Query, where: string) => Promise<Result>,
): Promise<Result> {
  const client = new LogClient(url, {
    applicationName: APPLICATION_NAME,
    // Its transaction cannot be run twice: the input is read once.
    isPooled: true,
  });
  try {
    return await client.transaction(
      "appends",
      async (query) => {
        await query("SET LOCAL statement_timeout = 0");
        await query("SET LOCAL idle_in_transaction_session_timeout = 0");
        return run(query, client.endpoint);
      },
      ARCHIVE_MS_MAX,
    );
  } finally {
    await client.close();
  }
}

function eventFrom(topic: Topic, { seq, type, at, stamp, epoch, data }: EventRow): DurableEvent {
  return { topic, type, at, data, place: { seq, epoch, stamp } };
}
