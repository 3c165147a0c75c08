/**
 * table: which frontends have a viewer of a topic, and the other state that the processes of a data
 * centre share. Each interface has a form in memory, for one process, and one on Redis or Valkey,
 * and one contract suite for both; `openTable` chooses the form by its URL.
 *
 * - `subscription-table.ts`: topic → frontends, with leases
 * - `viewer-counts.ts`: topic → viewers
 * - `dispatcher-leases.ts`: the dispatchers that are alive
 * - `shared-store.ts`: rate limits, idempotency keys, small values that expire
 *
 * Life cycle: `openTable` connects in the background; its parts share the connection, and its
 * `close` ends their timers and the connection.
 */

export * from "./datacenter-table.ts";
export * from "./dispatcher-leases.ts";
export { MemoryDispatcherLeases } from "./dispatcher-leases-memory.ts";
export * from "./held-totals.ts";
export * from "./open-table.ts";
export { openRedisStore, STORE_TIMEOUT_MS } from "./redis/redis-store.ts";
export { parseStoreUrl } from "./redis/redis-url.ts";
export * from "./shared-store.ts";
export { MemorySharedStore } from "./shared-store-memory.ts";
export * from "./subscription-table.ts";
export * from "./subscription-table-memory.ts";
export { RedisSubscriptionTable } from "./subscription-table-redis.ts";
export * from "./viewer-counts.ts";
export { MemoryViewerCounts } from "./viewer-counts-memory.ts";
