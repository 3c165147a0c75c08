/** The one place that chooses the form of what the processes of a data centre share. */

import { type Clock, steadyClock } from "@ovation/protocol";
import type { DatacenterTable } from "./datacenter-table.ts";
import type { DispatcherLeases } from "./dispatcher-leases.ts";
import { MemoryDispatcherLeases } from "./dispatcher-leases-memory.ts";
import { RedisDispatcherLeases } from "./dispatcher-leases-redis.ts";
import { openRedisStore, type RedisStore, type RedisStoreOptions } from "./redis/redis-store.ts";
import type { SharedStore } from "./shared-store.ts";
import { MemorySharedStore } from "./shared-store-memory.ts";
import { RedisSharedStore } from "./shared-store-redis.ts";
import type { SubscriptionTable } from "./subscription-table.ts";
import { MemorySubscriptionTable } from "./subscription-table-memory.ts";
import { RedisSubscriptionTable } from "./subscription-table-redis.ts";
import type { ViewerCounts } from "./viewer-counts.ts";
import { MemoryViewerCounts } from "./viewer-counts-memory.ts";
import { RedisViewerCounts } from "./viewer-counts-redis.ts";

/** The URL of a table in this process: for one process, and for tests. */
export const MEMORY_TABLE = "memory:";

export interface TableOptions extends RedisStoreOptions {
  /** {@link MEMORY_TABLE}, or a store's as in `redis/redis-url.ts`. */
  readonly url: string;
  /** Default: the steady one. */
  readonly clock?: Clock;
}

/** By the beginning of the URL; any other is a URL of Redis. A further store is one line here. */
const FORMS: readonly (readonly [
  beginning: string,
  open: (options: TableOptions, clock: Clock) => DatacenterTable,
])[] = [[MEMORY_TABLE, (_, clock) => new MemoryTable(clock)]];

/**
 * Connects in the background: until the store is reached, every method rejects with
 * TableUnavailableError. Throws an Error where the URL is none.
 */
export function openTable(options: TableOptions): DatacenterTable {
  const clock = options.clock ?? steadyClock;
  const form = FORMS.find(([beginning]) => options.url.startsWith(beginning));
  return form?.[1](options, clock) ?? new RedisTable(openRedisStore(options), clock);
}

class MemoryTable implements DatacenterTable {
  readonly subscriptions: SubscriptionTable;
  readonly counts: ViewerCounts;
  readonly shared: SharedStore;
  readonly dispatchers: DispatcherLeases;

  constructor(clock: Clock) {
    this.subscriptions = new MemorySubscriptionTable(clock);
    this.counts = new MemoryViewerCounts(clock);
    this.shared = new MemorySharedStore(clock);
    this.dispatchers = new MemoryDispatcherLeases(clock);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    await Promise.all([this.subscriptions.close(), this.counts.close(), this.shared.close()]);
  }
}

/** Parts are made at first use: a process that uses shared values alone sweeps nothing. */
class RedisTable implements DatacenterTable {
  readonly shared: SharedStore;
  readonly dispatchers: DispatcherLeases;
  readonly #store: RedisStore;
  readonly #clock: Clock;
  #subscriptions: SubscriptionTable | undefined;
  #counts: ViewerCounts | undefined;

  constructor(store: RedisStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.shared = new RedisSharedStore(store);
    this.dispatchers = new RedisDispatcherLeases(store);
  }

  get subscriptions(): SubscriptionTable {
    this.#subscriptions ??= new RedisSubscriptionTable(this.#store);
    return this.#subscriptions;
  }

  get counts(): ViewerCounts {
    this.#counts ??= new RedisViewerCounts(this.#store, { clock: this.#clock, withholds: true });
    return this.#counts;
  }

  ping(): Promise<void> {
    return this.#store.ping();
  }

  async close(): Promise<void> {
    await Promise.all([this.#subscriptions?.close(), this.#counts?.close()]);
    await this.#store.close();
  }
}
