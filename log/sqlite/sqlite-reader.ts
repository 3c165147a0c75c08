/**
 * Reads of the SQLite file, on a connection of their own that cannot write: in WAL mode it sees
 * every commit as soon as it is made and never waits for one in flight.
 */

import type { Database } from "bun:sqlite";
import { openSqliteFileToRead } from "@ovation/database";
import type { DurableEvent, Epoch, JsonText, Moment, Topic } from "@ovation/protocol";
import { emptyTally, tallyRange } from "../archive/tally.ts";
import { checksumOf } from "../event-checksum.ts";
import { SQLITE_READ_BUSY_MS } from "../limits.ts";
import {
  type Changes,
  type Head,
  LogDamagedError,
  type LogPage,
  type ReadQuery,
  type StampedHead,
  type Tally,
  type TallyQuery,
} from "../log.ts";

interface HeadRow {
  readonly id: number;
  readonly name: Topic;
  readonly seq: number;
  readonly first: number;
  readonly stamp: number;
  readonly life: number;
}

interface EventRow {
  readonly seq: number;
  readonly type: number;
  readonly at: number;
  readonly stamp: number;
  readonly life: number;
  readonly data: JsonText;
  /** Null for events of before there were any. */
  readonly checksum: number | null;
}

type Range = readonly [topic: number, above: number, below: number];

export class SqliteReader {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #epochs = new Map<number, Epoch>();
  readonly #types = new Map<number, string>();

  constructor(path: string) {
    this.#database = openSqliteFileToRead(path, SQLITE_READ_BUSY_MS);
    this.#statements = prepare(this.#database);
  }

  read(topic: Topic, query: ReadQuery): LogPage {
    return this.#snapshot(() => {
      const row = this.#statements.head.get(topic);
      if (row === null) return { events: [], head: emptyHead(topic) };
      const range: Range = [row.id, query.after ?? 0, query.before ?? Number.MAX_SAFE_INTEGER];
      const ascending = query.after !== undefined;
      const rows =
        query.types === undefined
          ? this.#rows(range, ascending, query.limit)
          : this.#rowsOfTypes(range, ascending, query.limit, query.types);
      if (!ascending) rows.reverse();
      if (query.types === undefined) requireWhole(row, range, ascending, query.limit, rows);
      return {
        events: rows.map((event) => this.#eventFrom(row, event)),
        head: this.#headFrom(row),
      };
    });
  }

  heads(topics: readonly Topic[]): readonly StampedHead[] {
    return this.#snapshot(() =>
      topics.map((topic) => {
        const row = this.#statements.head.get(topic);
        return row === null
          ? { ...emptyHead(topic), stamp: 0 }
          : { ...this.#headFrom(row), stamp: row.seq === 0 ? 0 : row.stamp };
      }),
    );
  }

  headAt(topic: Topic, stamp: number): Head {
    return this.#snapshot(() => {
      const head = this.#statements.head.get(topic);
      if (head === null) return emptyHead(topic);
      if (head.stamp <= stamp) return this.#headFrom(head);
      // Stamps rise with the numbers: 20 steps find the place among a million events, without an
      // index.
      let [kept, newer] = [head.first - 1, head.seq + 1];
      while (newer - kept > 1) {
        const middle = Math.floor((kept + newer) / 2);
        if ((this.#statements.lifeAt.get(head.id, middle)?.stamp ?? 0) <= stamp) kept = middle;
        else newer = middle;
      }
      const at = kept < head.first ? null : this.#statements.lifeAt.get(head.id, kept);
      if (at === null) return { ...emptyHead(topic), first: head.first };
      return { topic, seq: kept, epoch: this.#epochOf(at.life), first: head.first };
    });
  }

  changes(since: number, limit: number): Changes {
    return this.#snapshot(() => {
      // Stamps rise with every commit group, so the newest one is the present, whatever the clock
      // says.
      const present = this.#statements.lastStamp.get()?.stamp ?? 0;
      const epoch = this.#statements.lastLife.get()?.epoch ?? "";
      if (since < 0 || since > present) return { heads: [], stamp: present, epoch, more: false };
      const rows = this.#statements.changed.all(since, limit);
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit)
        return {
          heads: rows.map((row) => this.#headFrom(row)),
          stamp: present,
          epoch,
          more: false,
        };
      // The topics of one commit share a stamp and must not be torn apart: all of the last one's
      // come along.
      const whole = rows
        .filter((row) => row.stamp < last.stamp)
        .concat(this.#statements.changedAt.all(last.stamp));
      return {
        heads: whole.map((row) => this.#headFrom(row)),
        stamp: last.stamp,
        epoch,
        more: last.stamp < present,
      };
    });
  }

  tally(topic: Topic, query: TallyQuery): Tally {
    return this.#snapshot(() => {
      const head = this.#statements.head.get(topic);
      if (head === null) return emptyTally(query);
      const { from, upTo, isWhole } = tallyRange(head, query.after);
      const counts = query.types.map((name) => {
        const type = this.#statements.typeNamed.get(name)?.id;
        if (type === undefined) return 0;
        const kept = this.#statements.countOf.get(head.id, type, from, upTo)?.n ?? 0;
        return kept + (isWhole ? (this.#statements.droppedOf.get(head.id, type)?.n ?? 0) : 0);
      });
      return { counts, upTo, more: upTo < head.seq, isWhole };
    });
  }

  wrote(topic: Topic, seq: number, epoch: Epoch): "yes" | "no" | "unknown" {
    if (seq === 0) return epoch === "" ? "yes" : "no";
    return this.#snapshot(() => {
      const head = this.#statements.head.get(topic);
      if (head === null || seq > head.seq || seq < 0) return "no";
      if (seq < head.first)
        return this.#statements.lifeNamed.get(epoch) === null ? "no" : "unknown";
      const event = this.#statements.lifeAt.get(head.id, seq);
      return event !== null && this.#epochOf(event.life) === epoch ? "yes" : "no";
    });
  }

  reached({ epoch, stamp }: Moment): boolean {
    return this.#snapshot(() => {
      const life = epoch === "" ? undefined : this.#statements.lifeNamed.get(epoch);
      if (life === null) return false;
      const next = life === undefined ? null : this.#statements.lifeAfter.get(life.id);
      return stamp <= (next?.stamp ?? this.#statements.lastStamp.get()?.stamp ?? 0);
    });
  }

  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }

  #rows(range: Range, ascending: boolean, limit: number): EventRow[] {
    return (ascending ? this.#statements.eventsUp : this.#statements.eventsDown).all(
      ...range,
      limit,
    );
  }

  /**
   * The numbers of each type come from the index `events_by_type` alone; only the rows of the
   * answer are read.
   */
  #rowsOfTypes(
    [topic, above, below]: Range,
    ascending: boolean,
    limit: number,
    types: readonly string[],
  ): EventRow[] {
    const numbers = ascending ? this.#statements.numbersUp : this.#statements.numbersDown;
    const seqs: number[] = [];
    for (const name of new Set(types)) {
      const type = this.#statements.typeNamed.get(name)?.id;
      if (type !== undefined)
        for (const { seq } of numbers.all(topic, type, above, below, limit)) seqs.push(seq);
    }
    seqs.sort((a, b) => (ascending ? a - b : b - a));
    const rows: EventRow[] = [];
    for (const seq of seqs.slice(0, limit)) {
      const row = this.#statements.eventAt.get(topic, seq);
      if (row === null || rows.at(-1)?.seq === seq || !types.includes(this.#typeOf(row.type)))
        throw new LogDamagedError(`the index by type says ${seq}, and the event is none`);
      rows.push(row);
    }
    return rows;
  }

  #eventFrom({ id, name: topic }: HeadRow, row: EventRow): DurableEvent {
    if (row.checksum !== null && row.checksum !== checksumOf(id, row))
      throw new LogDamagedError(`event ${row.seq} of ${topic} is not what was written`);
    const place = { seq: row.seq, epoch: this.#epochOf(row.life), stamp: row.stamp };
    return { topic, type: this.#typeOf(row.type), at: row.at, data: row.data, place };
  }

  #headFrom(row: HeadRow): Head {
    return {
      topic: row.name,
      seq: row.seq,
      epoch: row.seq === 0 ? "" : this.#epochOf(row.life),
      first: row.first,
    };
  }

  #epochOf(life: number): Epoch {
    return lookUp(this.#epochs, life, () => this.#statements.lifeOf.get(life)?.epoch);
  }

  #typeOf(type: number): string {
    return lookUp(this.#types, type, () => this.#statements.typeOf.get(type)?.name);
  }

  /** Everything that `run` reads is of one moment: the page and the head agree. */
  #snapshot<Result>(run: () => Result): Result {
    this.#statements.begin.run();
    try {
      return run();
    } finally {
      this.#statements.end.run();
    }
  }
}

/** The page is what the head says: from the first number to the last one, without a hole. */
function requireWhole(
  { name, seq, first }: HeadRow,
  [, above, below]: Range,
  ascending: boolean,
  limit: number,
  rows: readonly EventRow[],
): void {
  const [low, high] = [Math.max(above + 1, first), Math.min(below - 1, seq)];
  const count = Math.max(0, Math.min(limit, high - low + 1));
  const begin = ascending ? low : high - count + 1;
  const isWhole = rows.length === count && rows.every((row, index) => row.seq === begin + index);
  if (isWhole) return;
  throw new LogDamagedError(`events ${begin} to ${begin + count - 1} of ${name} are not all there`);
}

/** Lives and types are few: one per opening of the file, one per kind of event. */
function lookUp(map: Map<number, string>, id: number, find: () => string | undefined): string {
  const known = map.get(id);
  if (known !== undefined) return known;
  const found = find();
  if (found === undefined) throw new LogDamagedError(`an epoch or type ${id} is unknown`);
  map.set(id, found);
  return found;
}

function emptyHead(topic: Topic): Head {
  return { topic, seq: 0, epoch: "", first: 1 };
}

function prepare(database: Database) {
  const statement = <Row, Parameters extends (string | number)[]>(sql: string) =>
    database.prepare<Row, Parameters>(sql);
  const head = "SELECT id, name, seq, first, stamp, life FROM topics";
  const event = "SELECT seq, type, at, stamp, life, data, checksum FROM events WHERE topic = ?";
  const numbers =
    "SELECT seq FROM events INDEXED BY events_by_type WHERE topic = ? AND type = ? AND seq > ? " +
    "AND seq < ?";
  type PageParameters = [number, number, number, number];
  type NumbersParameters = [number, number, number, number, number];
  return {
    begin: statement<never, []>("BEGIN"),
    end: statement<never, []>("COMMIT"),
    head: statement<HeadRow, [string]>(`${head} WHERE name = ?`),
    changed: statement<HeadRow, [number, number]>(`${head} WHERE stamp > ? ORDER BY stamp LIMIT ?`),
    changedAt: statement<HeadRow, [number]>(`${head} WHERE stamp = ?`),
    lastStamp: statement<{ stamp: number | null }, []>("SELECT max(stamp) AS stamp FROM topics"),
    eventsUp: statement<EventRow, PageParameters>(
      `${event} AND seq > ? AND seq < ? ORDER BY seq LIMIT ?`,
    ),
    eventsDown: statement<EventRow, PageParameters>(
      `${event} AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
    ),
    numbersUp: statement<{ seq: number }, NumbersParameters>(`${numbers} ORDER BY seq LIMIT ?`),
    numbersDown: statement<{ seq: number }, NumbersParameters>(
      `${numbers} ORDER BY seq DESC LIMIT ?`,
    ),
    eventAt: statement<EventRow, [number, number]>(`${event} AND seq = ?`),
    lifeAt: statement<{ life: number; stamp: number }, [number, number]>(
      "SELECT life, stamp FROM events WHERE topic = ? AND seq = ?",
    ),
    countOf: statement<{ n: number }, [number, number, number, number]>(
      `SELECT count(*) AS n FROM events INDEXED BY events_by_type
       WHERE topic = ? AND type = ? AND seq > ? AND seq <= ?`,
    ),
    droppedOf: statement<{ n: number }, [number, number]>(
      "SELECT n FROM dropped WHERE topic = ? AND type = ?",
    ),
    lifeOf: statement<{ epoch: string }, [number]>("SELECT epoch FROM lives WHERE id = ?"),
    lifeNamed: statement<{ id: number }, [string]>("SELECT id FROM lives WHERE epoch = ?"),
    lastLife: statement<{ epoch: string }, []>("SELECT epoch FROM lives ORDER BY id DESC LIMIT 1"),
    lifeAfter: statement<{ stamp: number }, [number]>(
      "SELECT stamp FROM lives WHERE id > ? ORDER BY id LIMIT 1",
    ),
    typeOf: statement<{ name: string }, [number]>("SELECT name FROM types WHERE id = ?"),
    typeNamed: statement<{ id: number }, [string]>("SELECT id FROM types WHERE name = ?"),
  };
}
