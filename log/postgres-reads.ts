/** The statements that read the log in PostgreSQL. Each is one statement, so that a page and its head are of one moment. */

import type { DurableEvent, Epoch, JsonText, Stamp, Topic } from "@ovation/protocol";
import { CHANGES_MAX, POSTGRES_MARGIN_MS } from "./limits.ts";
import type { Changes, Head, LogPage, ReadQuery } from "./log.ts";
import { APPLICATION_NAME, type PostgresClient } from "./postgres-client.ts";

interface HeadRow {
  readonly topic: Topic;
  readonly seq: number;
  readonly epoch: Epoch;
  readonly first: number;
}

interface PageRow {
  readonly head: number;
  readonly first: number;
  readonly head_epoch: Epoch;
  /** Null in the one row of a page without events. */
  readonly seq: number | null;
  readonly type: string;
  readonly at: number;
  readonly stamp: number;
  readonly epoch: Epoch;
  readonly data: JsonText;
}

const NUMBER = "::double precision";
const HEAD = `t.name AS topic, t.seq${NUMBER} AS seq, CASE WHEN t.seq = 0 THEN '' ELSE l.epoch END AS epoch, t.first${NUMBER} AS first, t.stamp${NUMBER} AS stamp`;
const TOPICS = "ovation_log.topics t JOIN ovation_log.lives l ON l.id = t.life";

/** `$1` topic, `$2` above, `$3` below, `$4` limit, `$5` types as JSON. Each type is one run of the index `events_by_type`. */
function pageStatement(direction: "ASC" | "DESC", isTyped: boolean): string {
  const range = `v.topic = t.id AND v.seq > $2 AND v.seq < $3`;
  const all = `SELECT * FROM ovation_log.events v WHERE ${range} ORDER BY v.seq ${direction} LIMIT $4`;
  const typed = `SELECT e.* FROM ovation_log.types y
    CROSS JOIN LATERAL (SELECT * FROM ovation_log.events v WHERE ${range} AND v.type = y.id ORDER BY v.seq ${direction} LIMIT $4) e
    WHERE y.name IN (SELECT json_array_elements_text($5::text::json)) ORDER BY e.seq ${direction} LIMIT $4`;
  return `
    SELECT t.seq${NUMBER} AS head, t.first${NUMBER} AS first, CASE WHEN t.seq = 0 THEN '' ELSE l.epoch END AS head_epoch,
      p.seq${NUMBER} AS seq, y.name AS type, p.at${NUMBER} AS at, p.stamp${NUMBER} AS stamp, pl.epoch AS epoch, p.data AS data
    FROM ${TOPICS}
    LEFT JOIN LATERAL (${isTyped ? typed : all}) p ON true
    LEFT JOIN ovation_log.types y ON y.id = p.type
    LEFT JOIN ovation_log.lives pl ON pl.id = p.life
    WHERE t.name = $1 ORDER BY p.seq`;
}

const PAGES = {
  up: { all: pageStatement("ASC", false), typed: pageStatement("ASC", true) },
  down: { all: pageStatement("DESC", false), typed: pageStatement("DESC", true) },
};

function emptyHead(topic: Topic): Head {
  return { topic, seq: 0, epoch: "", first: 1 };
}

function headFrom(row: HeadRow): Head {
  return { topic: row.topic, seq: row.seq, epoch: row.epoch, first: row.first };
}

export class PostgresReads {
  readonly #client: PostgresClient;
  /** The newest answer of `changes`: what held once holds for ever, so later answers need not fall behind it. */
  #settled: Stamp = 0;

  constructor(client: PostgresClient) {
    this.#client = client;
  }

  async read(topic: Topic, query: ReadQuery): Promise<LogPage> {
    const { all, typed } = PAGES[query.after === undefined ? "down" : "up"];
    const range = [topic, query.after ?? 0, query.before ?? Number.MAX_SAFE_INTEGER, query.limit];
    const rows = await (query.types === undefined
      ? this.#client.query<PageRow>("reads", all, range)
      : this.#client.query<PageRow>("reads", typed, [...range, JSON.stringify(query.types)]));
    const events: DurableEvent[] = [];
    for (const { seq, epoch, stamp, type, at, data } of rows) {
      if (seq !== null) events.push({ topic, type, at, data, place: { seq, epoch, stamp } });
    }
    const [row] = rows;
    const head =
      row === undefined
        ? emptyHead(topic)
        : { topic, seq: row.head, epoch: row.head_epoch, first: row.first };
    return { events, head };
  }

  async heads(topics: readonly Topic[]): Promise<readonly Head[]> {
    const statement = `SELECT ${HEAD} FROM ${TOPICS} WHERE t.name IN (SELECT json_array_elements_text($1::text::json))`;
    const rows = await this.#client.query<HeadRow>("reads", statement, [JSON.stringify(topics)]);
    const known = new Map(rows.map((row) => [row.topic, headFrom(row)]));
    return topics.map((topic) => known.get(topic) ?? emptyHead(topic));
  }

  async headAt(topic: Topic, stamp: Stamp): Promise<Head> {
    const statement = `
      SELECT t.name AS topic, coalesce(v.seq, 0)${NUMBER} AS seq, coalesce(vl.epoch, '') AS epoch, t.first${NUMBER} AS first
      FROM ovation_log.topics t
      LEFT JOIN ovation_log.events v ON v.topic = t.id
        AND v.seq = CASE WHEN t.stamp <= $2 THEN t.seq ELSE ovation_log.seq_at(t.id, $2) END
      LEFT JOIN ovation_log.lives vl ON vl.id = v.life
      WHERE t.name = $1`;
    const [row] = await this.#client.query<HeadRow>("reads", statement, [topic, stamp]);
    return row === undefined ? emptyHead(topic) : headFrom(row);
  }

  async wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown"> {
    if (seq === 0) return epoch === "" ? "yes" : "no";
    const statement = `
      SELECT CASE
        WHEN $2 > t.seq OR $2 < 0 OR w.id IS NULL THEN 'no'
        WHEN $2 < t.first THEN 'unknown'
        WHEN v.life = w.id THEN 'yes'
        ELSE 'no' END AS answer
      FROM ovation_log.topics t
      LEFT JOIN ovation_log.lives w ON w.epoch = $3
      LEFT JOIN ovation_log.events v ON v.topic = t.id AND v.seq = $2
      WHERE t.name = $1`;
    const [row] = await this.#client.query<{ answer: "yes" | "no" | "unknown" }>(
      "reads",
      statement,
      [topic, seq, epoch],
    );
    return row?.answer ?? "no";
  }

  /** See `log-postgres.ts` for why the stamp is sound: what bounds it is asked *before* the heads are read. */
  async changes(since: Stamp, limit: number): Promise<Changes> {
    // Taken before the heads are read too: what a call beside this one settles later, these heads may not show.
    const floor = Math.max(this.#settled, since);
    const before = await this.#settledBefore();
    const newest =
      "SELECT coalesce(max(stamp), 0)::double precision AS stamp FROM ovation_log.topics";
    if (since < 0) {
      const [row] = await this.#client.query<{ stamp: number }>("reads", newest);
      return {
        heads: [],
        stamp: this.#settle(floor, Math.min(before, row?.stamp ?? 0)),
        more: false,
      };
    }
    const statement = `SELECT ${HEAD}, (${newest}) AS newest FROM ${TOPICS} WHERE t.stamp > $1 ORDER BY t.stamp LIMIT $2`;
    type Row = HeadRow & { readonly stamp: number; readonly newest: number };
    const ask = (most: number) => this.#client.query<Row>("reads", statement, [since, most]);

    let rows = await ask(limit + 1);
    const last = rows[limit - 1];
    const beyond = rows[limit];
    // A page may end only between two stamps, and only where nothing can still appear below its end.
    if (
      last !== undefined &&
      beyond !== undefined &&
      last.stamp <= before &&
      last.stamp < beyond.stamp
    ) {
      return { heads: rows.slice(0, limit).map(headFrom), stamp: last.stamp, more: true };
    }
    if (beyond !== undefined) rows = await ask(CHANGES_MAX);
    const heads = rows.map(headFrom);
    if (rows.length === CHANGES_MAX)
      return { heads, stamp: Math.min(before, (rows.at(-1)?.stamp ?? 0) - 1), more: true };
    // Nothing newer than `since`: `since` itself is as much of the present as there is.
    return {
      heads,
      stamp: this.#settle(floor, Math.min(before, rows.at(-1)?.newest ?? since)),
      more: false,
    };
  }

  #settle(floor: Stamp, stamp: Stamp): Stamp {
    const settled = Math.max(floor, stamp);
    this.#settled = Math.max(this.#settled, settled);
    return settled;
  }

  /** Every append that is not yet visible to the next statement has a stamp above this one. */
  async #settledBefore(): Promise<Stamp> {
    const ms = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)`;
    const statement = `
      SELECT (least(${ms("statement_timestamp()")}, min(${ms("xact_start")}) FILTER (WHERE application_name = '${APPLICATION_NAME}')) - 1)${NUMBER} AS settled,
        coalesce(bool_or(query = '<insufficient privilege>'), false) AS hidden,
        (${ms("statement_timestamp()")} - ${POSTGRES_MARGIN_MS})${NUMBER} AS margin
      FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    const [row] = await this.#client.query<{ settled: number; hidden: boolean; margin: number }>(
      "reads",
      statement,
    );
    if (row === undefined) return 0;
    return row.hidden ? Math.min(row.settled, row.margin) : row.settled;
  }
}
