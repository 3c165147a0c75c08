/** Plain numbers, counted on the hot path; `metrics.ts` shows them. */

import { createPendingCounts, type PendingCounts } from "@ovation/protocol";

export interface Counters {
  /** Events that dispatchers sent here. */
  dispatched: number;
  /** … of topics without a subscriber here. */
  unwanted: number;
  /** The durable ones among those dispatched, unwanted and written. */
  readonly durable: { dispatched: number; unwanted: number; written: number };
  /** … durable ones that were here before. */
  repeated: number;
  /** What became of events that waited for a batch, and did not go out as they were. */
  readonly pending: PendingCounts;
  batches: number;
  /** Writes to sockets. */
  writes: number;
  /** Events in them: deliveries. */
  written: number;
  /** Connections with a pending write, now. */
  slow: number;
  /** Live events that slow viewers did not get, as their `gap` events said. */
  lostSlow: number;
  gaps: number;
  /** Durable events pulled from the log because they were missing here. */
  repaired: number;
  repairReads: number;
  /** Durable events sent to those who returned. */
  recovered: number;
  recoveryReads: number;
  recoveries: number;
  /** Returns that could not be made whole (`recovered: false`). */
  unrecovered: number;
  connects: number;
  /** Long polls answered or held. */
  polls: number;
  closes: Record<string, number>;
  refusals: Record<string, number>;
}

export function createCounters(): Counters {
  return {
    dispatched: 0,
    unwanted: 0,
    durable: { dispatched: 0, unwanted: 0, written: 0 },
    repeated: 0,
    pending: createPendingCounts(),
    batches: 0,
    writes: 0,
    written: 0,
    slow: 0,
    lostSlow: 0,
    gaps: 0,
    repaired: 0,
    repairReads: 0,
    recovered: 0,
    recoveryReads: 0,
    recoveries: 0,
    unrecovered: 0,
    connects: 0,
    polls: 0,
    closes: {},
    refusals: {},
  };
}
