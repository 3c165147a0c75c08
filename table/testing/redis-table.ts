/** A subscription table with a connection of its own, which `close` ends. */

import { openRedisStore, type RedisStore, type RedisStoreOptions } from "../redis/redis-store.ts";
import { RedisSubscriptionTable } from "../subscription-table-redis.ts";

export class RedisTable extends RedisSubscriptionTable {
  readonly #store: RedisStore;

  constructor(options: RedisStoreOptions) {
    const store = openRedisStore(options);
    super(store);
    this.#store = store;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#store.close();
  }
}
