/**
 * table: which frontends have a viewer of a topic, and the other state that the processes of a data
 * centre share. Each interface has a form in memory, for one process, and one on Redis or Valkey,
 * and one contract suite for both.
 *
 * - `subscription-table.ts`: topic → frontends, with leases
 * - `viewer-counts.ts`: topic → viewers
 * - `dispatcher-leases.ts`: the dispatchers that are alive
 * - `shared-store.ts`: rate limits, idempotency keys, small values that expire
 *
 * Life cycle: `openRedisStore` connects in the background and is shared by all three; each `close`
 * ends its own timers, the store's own ends the connection.
 */

export type {
  DispatcherAddress,
  DispatcherLeases,
  RenewedDispatcherLease,
} from "./dispatcher-leases.ts";
export { MemoryDispatcherLeases } from "./dispatcher-leases-memory.ts";
export { RedisDispatcherLeases } from "./dispatcher-leases-redis.ts";
export * from "./held-totals.ts";
export {
  openRedisStore,
  type RedisStore,
  type RedisStoreOptions,
  STORE_TIMEOUT_MS,
} from "./redis/redis-store.ts";
export { parseStoreUrl } from "./redis/redis-url.ts";
export * from "./shared-store.ts";
export { createMemorySharedStore } from "./shared-store-memory.ts";
export { createRedisSharedStore } from "./shared-store-redis.ts";
export * from "./subscription-table.ts";
export * from "./subscription-table-memory.ts";
export { createRedisTable, openRedisTable, type RedisTable } from "./subscription-table-redis.ts";
export * from "./viewer-counts.ts";
export { createMemoryViewerCounts, type MemoryViewerCounts } from "./viewer-counts-memory.ts";
export { createRedisViewerCounts } from "./viewer-counts-redis.ts";
