/**
 * What one viewer saw, in little memory: half an hour of many viewers is millions of entries,
 * most of them the same for all. What was seen is one object for everybody, and an entry is that
 * and a moment, put together when it is looked at.
 */

import type { Entry } from "./history.ts";

/** An entry without its moment. */
export type Seen = Entry extends infer One ? (One extends Entry ? Omit<One, "at"> : never) : never;

export interface EntryList extends Iterable<Entry> {
  push(seen: Seen, at: number): void;
}

export function createEntryList(): EntryList {
  const seen: Seen[] = [];
  const times: number[] = [];
  return {
    push(one, at) {
      seen.push(one);
      times.push(at);
    },
    *[Symbol.iterator]() {
      for (const [index, one] of seen.entries()) yield { ...one, at: times[index] ?? 0 } as Entry;
    },
  };
}
