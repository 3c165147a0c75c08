/**
 * The calls from a dispatcher to a frontend that wait for an answer (dispatching never does): changing
 * the subscriptions of a connection that another frontend was asked about.
 */

import type { ConnectionChange, ConnectionChangeResult } from "@ovation/frontend";
import type { FrontendAddress } from "@ovation/table";

export interface FrontendCalls {
  /** Rejects with `bad-gateway` where the frontend does not answer. */
  changeConnection(
    frontend: FrontendAddress,
    change: ConnectionChange,
  ): Promise<ConnectionChangeResult>;
}
