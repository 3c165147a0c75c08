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

export interface SubscriptionTable {
  /**
   * Starts or renews the frontend's lease for `ttlMs`. Answers false where the table may have lost rows
   * since the last call: there was no running lease (so also at the first call), or the store behind the
   * table is not what it was (restarted, failed over, emptied). The frontend then puts all its rows back,
   * each with a new generation. A renewal that rejects may have been carried out, and its answer may have
   * been false: the frontend puts its rows back then, too.
   */
  renew(frontend: FrontendAddress, ttlMs: number): Promise<boolean>;
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
