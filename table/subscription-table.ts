/**
 * The subscription table of one data centre: topic → the frontends that have a viewer of it.
 *
 * The specification, held by `subscription-table.contract.ts` for every form:
 *
 * - A row counts only while its frontend's lease runs. A frontend that dies takes its rows with it
 *   after the lease at the latest; nobody has to remove them one by one.
 * - `change` is ordered by `generation`, a number that a frontend never uses twice for one topic and
 *   always raises: a change that arrives late, after one with a higher generation, is ignored. So an
 *   unsubscribe that was delayed on the network cannot undo the subscribe that followed it.
 *   (A late *subscribe* after an unsubscribe may leave a row behind: the frontend is then sent an
 *   event that it has no viewer for, and unsubscribes again.)
 * - When `change` resolves, every `lookup` that starts later sees it. No cache lies between.
 * - Atomic per topic, not across topics.
 * - Every method rejects with {@link TableUnavailableError} when the store cannot be reached;
 *   nothing is half-believed.
 */

import type { FrontendId, Topic } from "@ovation/protocol";

/** Where a dispatcher reaches a frontend. */
export interface FrontendAddress {
  readonly id: FrontendId;
  /** Internal address, for example `http://10.0.0.7:9080`; empty where the frontend is in this process. */
  readonly url: string;
}

export interface SubscriptionChange {
  readonly topic: Topic;
  readonly subscribed: boolean;
  readonly generation: number;
}

/** Which unbroken stretch of a frontend's lease it is; only to be compared. */
export type LeaseMark = string;

export interface SubscriptionTable {
  /**
   * Begins or renews the frontend's lease for `ttlMs`, and answers its mark. A lease keeps its mark for as long as
   * it is renewed in time and the store behind the table is what it was; one that begins anew (the lease had run
   * out, the store restarted, failed over or was emptied) has a mark that no lease had before. Whoever is told a mark
   * that it did not know puts all its rows back, each with a new generation: the table may have lost some.
   *
   * So nothing depends on who hears which answer. A renewal whose answer was lost, that was repeated on the way, or
   * that hung somewhere and began the lease anew when nobody waited for it any more, shows in the mark of the next one.
   */
  renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark>;
  /** Ends the lease now: a clean goodbye. Its rows no longer count. */
  release(frontend: FrontendId): Promise<void>;
  /** Applies the frontend's changes, each on its own. */
  change(frontend: FrontendId, changes: readonly SubscriptionChange[]): Promise<void>;
  /** For each topic, in the same order, the live frontends subscribed to it. One round trip, pipelined. */
  lookup(topics: readonly Topic[]): Promise<readonly (readonly FrontendAddress[])[]>;
  close(): Promise<void>;
}

/** The store did not answer in time or cannot be reached. Nothing is known of whether a change was applied. */
export class TableUnavailableError extends Error {
  override readonly name = "TableUnavailableError";
}
