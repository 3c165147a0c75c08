/**
 * How many viewers each topic has, over all frontends of the data centre, and over the others.
 *
 * The specification, held by `viewer-counts.contract.ts` for every form:
 *
 * - A reporter is a frontend, or `dc:NAME` for another data centre as a whole. A frontend reports
 *   numbers of single topics; a topic that it does not name keeps its last number; 0 ends it.
 * - Every report of a frontend, also an empty one, keeps it alive for `ttlMs`. After that its
 *   numbers no longer count. It gets no notice: it reports all its numbers again every few reports.
 * - A data centre's numbers are polled by the processes that need them: each number expires after
 *   `ttlMs`.
 * - Reports of one reporter are sequential (it waits for the reply); those of different reporters
 *   come in any order.
 * - Where the store lost its rows, a total is no smaller than when it was last read, until every
 *   reporter has had the time to report again. A form that withholds returns `undefined` where it
 *   was not read recently (`held-totals.ts`).
 * - Totals are eventually consistent: a sum of numbers that are each as old as their report.
 * - Rejects with {@link TableUnavailableError} when the store cannot be reached.
 */

import type { Topic } from "@ovation/protocol";

export interface ViewerCount {
  readonly topic: Topic;
  readonly viewers: number;
}

/** Each topic's viewers here, and here and everywhere together. */
export interface ViewerTotal {
  /** Of this data centre's own frontends: the numbers for its peers. */
  readonly local: number;
  readonly all: number;
}

/** A frontend's id, or `dc:NAME`. */
export type Reporter = string;

export const DATACENTER_REPORTER_PREFIX = "dc:";

export interface ViewerCounts {
  report(reporter: Reporter, counts: readonly ViewerCount[], ttlMs: number): Promise<void>;
  /** A clean shutdown: the reporter's numbers no longer count. */
  release(reporter: Reporter): Promise<void>;
  /** In the order of the topics; `undefined`: not known now. */
  totals(topics: readonly Topic[]): Promise<readonly (ViewerTotal | undefined)[]>;
  close(): Promise<void>;
}
