/** A store whose calls go through a test. */

import type { RedisStore } from "../redis/redis-store.ts";

export function watchStore(store: RedisStore, run: RedisStore["run"]): RedisStore {
  return {
    client: store.client,
    prefix: store.prefix,
    run,
    evaluate: (...call) => store.evaluate(...call),
    masters: () => store.masters(),
    nodeOf: (key) => store.nodeOf(key),
    ping: () => store.ping(),
    close: () => store.close(),
  };
}
