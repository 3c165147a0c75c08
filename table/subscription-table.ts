/**
 * The subscription table of one data centre: topic → the frontends that have a viewer of it.
 *
 * The specification, held by `subscription-table.contract.ts` for every form:
 *
 * - A row counts only while its frontend's lease runs. The rows of a dead frontend stop counting at
 *   the end of the lease; they need not be removed one by one.
 * - `change` is ordered by `generation`, a number that a frontend never uses twice for one topic
 *   and always raises: a late change, after one with a higher generation, is ignored. So an
 *   unsubscribe that was delayed on the network cannot undo the subscribe that followed it. (A late
 *   *subscribe* after an unsubscribe may leave a row: the frontend then receives an event without a
 *   viewer for it, and unsubscribes again.)
 * - When `change` resolves, every `lookup` that starts later sees it. There is no cache.
 * - Atomic per topic, not across topics.
 * - Every method rejects with {@link TableUnavailableError} when the store cannot be reached; there
 *   are no partial results.
 */

import type { FrontendId, Topic } from "@ovation/protocol";

/** Where a dispatcher reaches a frontend. */
export interface FrontendAddress {
  readonly id: FrontendId;
  /**
   * Internal URL, for example `http://10.0.0.7:9080`; empty where the frontend is in this process.
   */
  readonly url: string;
}

export interface SubscriptionChange {
  readonly topic: Topic;
  readonly subscribed: boolean;
  readonly generation: number;
}

/** Names one unbroken period of a frontend's lease; only to be compared. */
export type LeaseMark = string;

export interface SubscriptionTable {
  /**
   * Begins or renews the frontend's lease for `ttlMs`, and returns its mark. A lease keeps its mark
   * while it is renewed in time and the store behind the table is the same; one that begins again
   * (the lease had expired, the store restarted, failed over or was emptied) has a mark that no
   * lease had before. A frontend that gets a mark it does not know restores all its rows, each with
   * a new generation: the table may have lost some.
   *
   * Lost, retried or delayed renewals are detected by the next renewal's mark.
   */
  renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark>;
  /** Ends the lease now, at a clean shutdown. Its rows no longer count. */
  release(frontend: FrontendId): Promise<void>;
  /** Applies the frontend's changes, each independently. */
  change(frontend: FrontendId, changes: readonly SubscriptionChange[]): Promise<void>;
  /**
   * For each topic, in the same order, the live frontends subscribed to it. One round trip,
   * pipelined.
   */
  lookup(topics: readonly Topic[]): Promise<readonly (readonly FrontendAddress[])[]>;
  close(): Promise<void>;
}

/**
 * The store did not answer in time or cannot be reached. Whether a change was applied is unknown.
 */
export class TableUnavailableError extends Error {
  override readonly name = "TableUnavailableError";
}
