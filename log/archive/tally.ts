/** What every form of the log counts of a topic: see `Log.tally`. */

import { TALLY_EVENTS_MAX } from "../limits.ts";
import type { Head, Tally, TallyQuery } from "../log.ts";

/** The numbers above `from` up to `upTo` are counted. */
export interface TallyRange {
  readonly from: number;
  readonly upTo: number;
  readonly isWhole: boolean;
}

export function tallyRange({ seq, first }: Pick<Head, "seq" | "first">, after: number): TallyRange {
  const isWhole = after === 0 || after < first - 1 || after > seq;
  const from = isWhole ? first - 1 : after;
  return { from, upTo: Math.min(seq, from + TALLY_EVENTS_MAX), isWhole };
}

/** Of a topic that never had an event. */
export function emptyTally({ types }: TallyQuery): Tally {
  return { counts: types.map(() => 0), upTo: 0, more: false, isWhole: true };
}
