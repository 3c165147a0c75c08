/** What the processes of a data centre share: the interface of every form (`open-table.ts`). */

import type { DispatcherLeases } from "./dispatcher-leases.ts";
import type { SharedStore } from "./shared-store.ts";
import type { SubscriptionTable } from "./subscription-table.ts";
import type { ViewerCounts } from "./viewer-counts.ts";

export interface DatacenterTable {
  /** Sweeps the rows of dead frontends from the first use on. */
  readonly subscriptions: SubscriptionTable;
  /** Sweeps the numbers of dead frontends from the first use on. */
  readonly counts: ViewerCounts;
  readonly shared: SharedStore;
  readonly dispatchers: DispatcherLeases;
  /** Rejects with TableUnavailableError where the store does not answer or accepts no writes. */
  ping(): Promise<void>;
  /** Ends the sweeps, and the connection to the store after them. */
  close(): Promise<void>;
}
