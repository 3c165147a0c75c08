/**
 * What one viewer saw, in little memory: half an hour of many viewers is millions of entries, most
 * of them the same for all. All viewers share one object for what they saw; an entry is that object
 * and a time, combined when the entry is read.
 */

import type { Json } from "@ovation/protocol";
import { contentOf, type Entry, keyOf } from "./history.ts";

/** An entry without its time. */
export type Seen = Entry extends infer One ? (One extends Entry ? Omit<One, "at"> : never) : never;

export class EntryList implements Iterable<Entry> {
  readonly #seen: Seen[] = [];
  readonly #times: number[] = [];

  push(seen: Seen, at: number): void {
    this.#seen.push(seen);
    this.#times.push(at);
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const [index, one] of this.#seen.entries())
      yield { ...one, at: this.#times[index] ?? 0 } as Entry;
  }
}

/** Events by content: one object for all viewers that saw the same. */
export class SeenEvents {
  readonly #byContent = new Map<string, Seen>();

  of(topic: string, type: string, seq: number | undefined, data: Json): Seen {
    const content = contentOf(type, data);
    const name = `${topic} ${seq ?? ""} ${content}`;
    const known = this.#byContent.get(name);
    if (known !== undefined) return known;
    const event: Seen = { kind: "event", topic, seq, key: keyOf(data), content };
    const seen = (seq === undefined ? countIn(topic, type, data) : undefined) ?? event;
    this.#byContent.set(name, seen);
    return seen;
  }
}

/** The number of likes or viewers in an event, which is judged as a number. */
function countIn(topic: string, type: string, data: Json): Seen | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { total, viewers } = data as { readonly total?: Json; readonly viewers?: Json };
  if (type === "stats" && typeof viewers === "number") return { kind: "viewers", topic, viewers };
  if (type !== "likes" || typeof total !== "object" || total === null) return undefined;
  const likes = Object.values(total).reduce((sum: number, count) => sum + Number(count), 0);
  return { kind: "total", topic, likes };
}
