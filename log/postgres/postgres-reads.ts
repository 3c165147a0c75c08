/**
 * The statements that read the log in PostgreSQL. Each is one statement, so that a page and its
 * head are of one moment.
 */

import type { DurableEvent, Epoch, JsonText, Moment, Stamp, Topic } from "@ovation/protocol";
import { emptyTally } from "../archive/tally.ts";
import {
  CHANGES_MAX,
  POSTGRES_LOOK_AGAIN_MS,
  POSTGRES_LOOKS_PATIENCE,
  TALLY_EVENTS_MAX,
} from "../limits.ts";
import {
  type Changes,
  type Head,
  type LogPage,
  LogUnavailableError,
  type ReadQuery,
  type StampedHead,
  type Tally,
  type TallyQuery,
} from "../log.ts";
import type { LogClient } from "./log-client.ts";
import { Horizon, LOOK, type Look } from "./postgres-horizon.ts";

interface HeadRow {
  readonly topic: Topic;
  readonly seq: number;
  readonly epoch: Epoch;
  readonly first: number;
}

type StampedRow = HeadRow & { readonly stamp: Stamp };

/**
 * A topic that changed, beside what is said of the log; the one row without a topic where none did.
 */
interface ChangedRow {
  readonly newest: Stamp;
  readonly life: Epoch | null;
  readonly seq: number | null;
}

type ChangedHead = ChangedRow & StampedRow;

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
const HEAD = `t.name AS topic, t.seq${NUMBER} AS seq,
  CASE WHEN t.seq = 0 THEN '' ELSE l.epoch END AS epoch,
  t.first${NUMBER} AS first, t.stamp${NUMBER} AS stamp`;
const TOPICS = "ovation_log.topics t JOIN ovation_log.lives l ON l.id = t.life";

/**
 * What is said of the log is of the same moment as the heads. An import writes beside an epoch and
 * begins none.
 */
const CHANGED = `
  SELECT n.newest, n.life, c.* FROM (
    SELECT (SELECT coalesce(max(stamp), 0) FROM ovation_log.topics)${NUMBER} AS newest,
      (SELECT epoch FROM ovation_log.lives WHERE timeline <> 'import' ORDER BY id DESC
        LIMIT 1) AS life
  ) n LEFT JOIN (
    SELECT ${HEAD} FROM ${TOPICS} WHERE t.stamp > $1 ORDER BY t.stamp LIMIT $2
  ) c ON true ORDER BY c.stamp`;

/** An epoch ends where the next one begins, whose stamp is the newest of those before it. */
const REACHED = `
  SELECT CASE WHEN $1 = '' THEN $2 <= n.newest ELSE coalesce((
    SELECT $2 <= coalesce((
      SELECT s.stamp FROM ovation_log.lives s WHERE s.id > l.id AND s.timeline <> 'import'
        ORDER BY s.id LIMIT 1
    ), n.newest) FROM ovation_log.lives l WHERE l.epoch = $1
  ), false) END AS reached
  FROM (SELECT coalesce(max(stamp), 0) AS newest FROM ovation_log.topics) n`;

/** `$1` topic, `$2` after, `$3` types as JSON, `$4` numbers at most. */
const TALLY = `
  SELECT r.seq${NUMBER} AS seq, r.up_to${NUMBER} AS up_to, r.whole, (
    SELECT coalesce(json_agg((
      SELECT count(*) FROM ovation_log.events v
      WHERE v.topic = r.id AND v.type = y.id AND v.seq > r.origin AND v.seq <= r.up_to
    ) + CASE WHEN r.whole THEN coalesce((
      SELECT d.n FROM ovation_log.dropped d WHERE d.topic = r.id AND d.type = y.id
    ), 0) ELSE 0 END ORDER BY w.nth), '[]')
    FROM json_array_elements_text($3::text::json) WITH ORDINALITY w (name, nth)
    LEFT JOIN ovation_log.types y ON y.name = w.name
  ) AS counts
  FROM (
    SELECT o.*, least(o.seq, o.origin + $4::bigint) AS up_to FROM (
      SELECT t.id, t.seq, b.whole, CASE WHEN b.whole THEN t.first - 1 ELSE $2::bigint END AS origin
      FROM ovation_log.topics t
      CROSS JOIN LATERAL (
        SELECT $2::bigint = 0 OR $2::bigint < t.first - 1 OR $2::bigint > t.seq AS whole
      ) b WHERE t.name = $1
    ) o
  ) r`;

/**
 * `$1` topic, `$2` above, `$3` below, `$4` limit, `$5` types as JSON. Each type is one run of the
 * index `events_by_type`.
 */
function pageStatement(direction: "ASC" | "DESC", isTyped: boolean): string {
  const range = `v.topic = t.id AND v.seq > $2 AND v.seq < $3`;
  const all = `SELECT * FROM ovation_log.events v WHERE ${range} ORDER BY v.seq ${direction}
    LIMIT $4`;
  const typed = `SELECT e.* FROM ovation_log.types y
    CROSS JOIN LATERAL (SELECT * FROM ovation_log.events v WHERE ${range} AND v.type = y.id
      ORDER BY v.seq ${direction} LIMIT $4) e
    WHERE y.name IN (SELECT json_array_elements_text($5::text::json)) ORDER BY e.seq ${direction}
      LIMIT $4`;
  return `
    SELECT t.seq${NUMBER} AS head, t.first${NUMBER} AS first,
      CASE WHEN t.seq = 0 THEN '' ELSE l.epoch END AS head_epoch,
      p.seq${NUMBER} AS seq, y.name AS type, p.at${NUMBER} AS at, p.stamp${NUMBER} AS stamp,
      pl.epoch AS epoch, p.data AS data
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
  readonly #client: LogClient;
  /**
   * The newest answer of `changes`: what held once holds for ever, so later answers need not fall
   * behind it.
   */
  #settled: Stamp = 0;
  readonly #proof = new Horizon();

  constructor(client: LogClient) {
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

  async heads(topics: readonly Topic[]): Promise<readonly StampedHead[]> {
    const statement = `SELECT ${HEAD} FROM ${TOPICS} WHERE t.name IN
      (SELECT json_array_elements_text($1::text::json))`;
    const rows = await this.#client.query<StampedRow>("reads", statement, [JSON.stringify(topics)]);
    const known = new Map(rows.map((row) => [row.topic, { ...headFrom(row), stamp: row.stamp }]));
    return topics.map((topic) => known.get(topic) ?? { ...emptyHead(topic), stamp: 0 });
  }

  async headAt(topic: Topic, stamp: Stamp): Promise<Head> {
    const statement = `
      SELECT t.name AS topic, coalesce(v.seq, 0)${NUMBER} AS seq, coalesce(vl.epoch, '') AS epoch,
        t.first${NUMBER} AS first
      FROM ovation_log.topics t
      LEFT JOIN ovation_log.events v ON v.topic = t.id
        AND v.seq = CASE WHEN t.stamp <= $2 THEN t.seq ELSE ovation_log.seq_at(t.id, $2) END
      LEFT JOIN ovation_log.lives vl ON vl.id = v.life
      WHERE t.name = $1`;
    const [row] = await this.#client.query<HeadRow>("reads", statement, [topic, stamp]);
    return row === undefined ? emptyHead(topic) : headFrom(row);
  }

  /** The range is that of `tallyRange`, of the same moment as the counts. */
  async tally(topic: Topic, query: TallyQuery): Promise<Tally> {
    const [row] = await this.#client.query<{
      counts: number[];
      up_to: number;
      seq: number;
      whole: boolean;
    }>("reads", TALLY, [topic, query.after, JSON.stringify(query.types), TALLY_EVENTS_MAX]);
    if (row === undefined) return emptyTally(query);
    const { counts, up_to: upTo, seq, whole: isWhole } = row;
    return { counts, upTo, more: upTo < seq, isWhole };
  }

  async reached({ epoch, stamp }: Moment): Promise<boolean> {
    const [row] = await this.#client.query<{ reached: boolean }>("reads", REACHED, [epoch, stamp]);
    return row?.reached === true;
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

  /**
   * See `postgres-horizon.ts` for why the stamp is sound: what bounds it is asked *before* the
   * heads are read.
   */
  async changes(since: Stamp, limit: number): Promise<Changes> {
    // Taken before the heads are read too: what a call beside this one settles later, these heads
    // may not show.
    let floor = Math.max(this.#settled, since);
    const horizon = await this.#horizon(since, floor);
    const ask = async (most: number) => {
      const rows = await this.#client.query<ChangedRow>("reads", CHANGED, [since, most]);
      const { newest = 0, life } = rows[0] ?? {};
      const changed = rows.flatMap((row) => (row.seq === null ? [] : [row as ChangedHead]));
      return { changed, newest, epoch: life ?? "" };
    };
    let { changed, newest, epoch } = await ask(since < 0 ? 0 : limit + 1);
    const isRestored = floor > newest;
    // Stamps never fall in one log: a backup took its place, and what was settled was of the lost
    // future.
    if (isRestored) [floor, this.#settled] = [0, 0];
    const before = Math.max(floor, horizon);
    if (since < 0 || isRestored)
      return { heads: [], stamp: this.#settle(Math.min(before, newest)), epoch, more: false };

    const last = changed[limit - 1];
    const beyond = changed[limit];
    // A page may end only between two stamps, and only where nothing can still appear below its
    // end.
    if (
      last !== undefined &&
      beyond !== undefined &&
      last.stamp <= before &&
      last.stamp < beyond.stamp
    ) {
      const heads = changed.slice(0, limit).map(headFrom);
      return { heads, stamp: last.stamp, epoch, more: true };
    }
    if (beyond !== undefined) ({ changed, newest, epoch } = await ask(CHANGES_MAX));
    const heads = changed.map(headFrom);
    if (changed.length === CHANGES_MAX) {
      const stamp = Math.min(before, (changed.at(-1)?.stamp ?? 0) - 1);
      return { heads, stamp, epoch, more: true };
    }
    return { heads, stamp: this.#settle(Math.min(before, newest)), epoch, more: false };
  }

  #settle(stamp: Stamp): Stamp {
    this.#settled = Math.max(this.#settled, stamp);
    return stamp;
  }

  /**
   * Every append that is not yet visible to the next statement has a stamp above this one. Waits
   * where a reader begins (`since` -1), nothing is settled yet (`floor`), and an append is in
   * way that began before the first look.
   */
  async #horizon(since: Stamp, floor: Stamp): Promise<Stamp> {
    for (let attempt = 1; ; attempt++) {
      const [look] = await this.#client.query<Look>("reads", LOOK);
      const proven = look === undefined ? undefined : this.#proof.after(look);
      if (proven !== undefined) return proven;
      if (since >= 0 || floor > 0) return floor;
      if (attempt >= POSTGRES_LOOKS_PATIENCE)
        throw new LogUnavailableError(
          `an append to ${this.#client.endpoint} began before this request and has not ended; ` +
            "what is settled is not known yet",
        );
      await Bun.sleep(POSTGRES_LOOK_AGAIN_MS);
    }
  }
}
