/** What the processes of a data centre share in Redis or Valkey, as a dispatcher uses it. */

import { type FrontendId, topicOf } from "@ovation/protocol";
import {
  createRedisSharedStore,
  createRedisTable,
  createRedisViewerCounts,
  openRedisStore,
  RedisDispatcherLeases,
} from "@ovation/table";
import type { Dependency } from "./dependencies.ts";

export type ClusterTables = ReturnType<typeof openClusterTables>;

export function openClusterTables(url: string, dispatcherId: FrontendId, state: Dependency) {
  const store = openRedisStore({
    url,
    onState: (now, why) => now === "lost" && state.away(why),
  });
  const table = createRedisTable({ store });
  // What every publish and every renewal needs: to read leases and rows, and to write.
  state.watch(() => Promise.all([table.lookup([topicOf("frontend", dispatcherId)]), store.ping()]));
  return {
    store,
    table,
    counts: createRedisViewerCounts({ store, withholds: true }),
    shared: createRedisSharedStore(store),
    leases: new RedisDispatcherLeases(store),
  };
}
