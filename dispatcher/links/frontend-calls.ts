/**
 * The calls from a dispatcher to a frontend that wait for a response (dispatching never does):
 * changing the subscriptions of a connection when another frontend got the request.
 */

import type { ConnectionChange, ConnectionChangeResult } from "@ovation/frontend";
import type { FrontendAddress } from "@ovation/table";

export interface FrontendCalls {
  /** Rejects with `bad-gateway` where the frontend does not respond. */
  changeConnection(
    frontend: FrontendAddress,
    change: ConnectionChange,
  ): Promise<ConnectionChangeResult>;
}
