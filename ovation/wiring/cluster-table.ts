/** What the processes of a data centre share in Redis or Valkey, as a dispatcher uses it. */

import { type FrontendId, steadyClock, topicOf } from "@ovation/protocol";
import { type DatacenterTable, openTable } from "@ovation/table";
import type { Dependency } from "./dependencies.ts";

export function openClusterTable(
  url: string,
  dispatcherId: FrontendId,
  state: Dependency,
): DatacenterTable {
  const table = openTable({
    url,
    clock: steadyClock,
    onState: (now, why) => now === "lost" && state.away(why),
  });
  const own = topicOf("frontend", dispatcherId);
  // What every publish and every renewal needs: to read leases and rows, and to write.
  state.watch(() => Promise.all([table.subscriptions.lookup([own]), table.ping()]));
  return table;
}
