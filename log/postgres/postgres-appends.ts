/**
 * Commit groups for `ovation_log.append_group`: what a group has in common is found
 * here, and the places of its entries are counted here, so that the server does for each entry no
 * more than store it.
 *
 * A group goes in one call, unless keys are repeated. Entries with a key that stood earlier in the
 * group wait for the next call; entries whose key the log knows are answered and left out, and the
 * others go again.
 */

import { DatabaseConflictError } from "@ovation/database";
import { type Clock, systemClock } from "@ovation/protocol";
import { mintEpoch } from "../epoch.ts";
import { POSTGRES_ATTEMPTS_MAX } from "../limits.ts";
import { type Appended, type LogEntry, LogUnavailableError } from "../log.ts";
import type { LogClient } from "./log-client.ts";

interface AppendedRow {
  readonly epoch: string | null;
  readonly stamp: number | null;
  /** The numbers that the group's topics had before, with commas. */
  readonly heads: string | null;
  readonly known: readonly KnownKey[] | null;
}

interface KnownKey {
  /** From 1, in the order of the call. */
  readonly ord: number;
  readonly seq: number;
  readonly epoch: string;
  readonly stamp: number;
  readonly at: number;
  readonly type: string | null;
  readonly data: LogEntry["data"] | null;
}

const STATEMENT = `SELECT * FROM ovation_log.append_group($1, ${[
  ...[
    "text[]",
    "integer[]",
    "text[]",
    "integer[]",
    "integer[]",
    "integer[]",
    "bigint[]",
    "text[]",
    "text[]",
  ],
  ...["integer[]", "bigint[]", "text[]"],
]
  // As text: Bun's client has a binary form for arrays of its own.
  .map((type, index) => `$${index + 2}::text::${type}`)
  .join(", ")})`;

export class PostgresAppends {
  readonly #client: LogClient;
  readonly #clock: Clock;

  constructor(client: LogClient, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Appends all or nothing of what is new, and answers each entry's place. */
  async append(entries: readonly LogEntry[]): Promise<readonly Appended[]> {
    const answers: Appended[] = new Array(entries.length);
    let open = entries.map((_, index) => index);
    // Each round answers an entry at least: the first of them is new or known.
    while (open.length > 0) {
      const { first, repeated } = partByKey(entries, open);
      const group = first.map((index) => entries[index] as LogEntry);
      const parameters = parametersOf(group);
      const row = await this.#call(parameters);
      if (row.known === null) {
        const places = placesOf(parameters, row);
        for (const [at, index] of first.entries()) answers[index] = places[at] as Appended;
        open = repeated;
      } else {
        const known = new Map(row.known.map((key) => [first[key.ord - 1] as number, key]));
        for (const [index, key] of known) answers[index] = duplicateOf(key);
        open = open.filter((index) => !known.has(index));
      }
    }
    return answers;
  }

  async #call({
    topicNames,
    counts,
    typeNames,
    topicOf,
    typeOf,
    nth,
    entries,
    replacing,
  }: Parameters): Promise<AppendedRow> {
    const values = [
      mintEpoch(() => false),
      textArray(topicNames),
      numberArray(counts),
      textArray(typeNames),
      numberArray(topicOf),
      numberArray(typeOf),
      numberArray(nth),
      numberArray(entries.map(({ at }) => at)),
      textArray(entries.map(({ data }) => data)),
      textArray(entries.map(({ key }) => key)),
      numberArray(replacing),
      numberArray(replacing.map((ord) => entries[ord - 1]?.replace?.seq ?? 0)),
      textArray(replacing.map((ord) => entries[ord - 1]?.replace?.data)),
    ];
    for (let attempt = 1; ; attempt++) {
      try {
        const [row] = await this.#client.query<AppendedRow>("appends", STATEMENT, values);
        if (row === undefined) throw new Error("append_group answered no row");
        return row;
      } catch (error) {
        if (!(error instanceof DatabaseConflictError)) throw error;
        if (attempt >= POSTGRES_ATTEMPTS_MAX)
          throw new LogUnavailableError(
            `the log's database took a transaction back ${attempt} times (${error.message})`,
          );
        await new Promise<void>((resolve) => this.#clock.after(attempt, resolve));
      }
    }
  }
}

/**
 * The entries whose key stands for the first time, and those that repeat one: indexes, in their
 * order.
 */
function partByKey(
  entries: readonly LogEntry[],
  open: readonly number[],
): { readonly first: readonly number[]; readonly repeated: number[] } {
  const seen = new Set<string>();
  const repeated: number[] = [];
  const first = open.filter((index) => {
    const { topic, key } = entries[index] as LogEntry;
    if (key === undefined) return true;
    // No topic holds a blank.
    const name = `${topic} ${key}`;
    if (seen.has(name)) {
      repeated.push(index);
      return false;
    }
    seen.add(name);
    return true;
  });
  return { first, repeated };
}

interface Parameters {
  readonly topicNames: readonly string[];
  /** Entries of each topic. */
  readonly counts: readonly number[];
  readonly typeNames: readonly string[];
  /** Of each entry: its topic and type, from 1, and its rank in its topic, from 1. */
  readonly topicOf: readonly number[];
  readonly typeOf: readonly number[];
  readonly nth: readonly number[];
  readonly entries: readonly LogEntry[];
  /** The entries that replace another event's data, from 1. */
  readonly replacing: readonly number[];
}

function parametersOf(entries: readonly LogEntry[]): Parameters {
  const topics = new Map<string, number>();
  const types = new Map<string, number>();
  const counts: number[] = [];
  const topicOf: number[] = [];
  const typeOf: number[] = [];
  const nth: number[] = [];
  const replacing: number[] = [];
  for (const [index, { topic, type, replace }] of entries.entries()) {
    const topicNumber = numberOf(topics, topic);
    const rank = (counts[topicNumber - 1] ?? 0) + 1;
    counts[topicNumber - 1] = rank;
    topicOf.push(topicNumber);
    typeOf.push(numberOf(types, type));
    nth.push(rank);
    if (replace !== undefined) replacing.push(index + 1);
  }
  return {
    topicNames: [...topics.keys()],
    counts,
    typeNames: [...types.keys()],
    topicOf,
    typeOf,
    nth,
    entries,
    replacing,
  };
}

function numberOf(names: Map<string, number>, name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, names.size + 1);
  return names.size;
}

function placesOf({ entries, topicOf, nth }: Parameters, row: AppendedRow): readonly Appended[] {
  const { epoch, stamp, heads } = row;
  if (epoch === null || stamp === null || heads === null)
    throw new Error("append_group answered no places");
  const before = heads.split(",").map(Number);
  return entries.map(({ at }, index) => {
    const head = before[(topicOf[index] ?? 0) - 1];
    if (head === undefined) throw new Error("append_group answered no head for a topic");
    return { place: { seq: head + (nth[index] ?? 0), epoch, stamp }, at, duplicate: false };
  });
}

function duplicateOf({ seq, epoch, stamp, at, type, data }: KnownKey): Appended {
  const stored = type === null || data === null ? {} : { stored: { type, data } };
  return { place: { seq, epoch, stamp }, at, duplicate: true, ...stored };
}

function numberArray(numbers: readonly number[]): string {
  return `{${numbers.join(",")}}`;
}

/** All that stands before the blank. */
const CONTROL = /[^\x20-\uffff]/;

/**
 * [spec] PostgreSQL, 8.15.6: within double quotes a backslash takes the next character as it is.
 * That is what JSON writes where a text has no control characters, and `JSON.stringify` is the
 * fastest way to write it.
 */
export function textArray(texts: readonly (string | undefined)[]): string {
  const elements = texts.map((text) => {
    if (text === undefined) return "NULL";
    return CONTROL.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : JSON.stringify(text);
  });
  return `{${elements.join(",")}}`;
}
