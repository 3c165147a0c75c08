/**
 * The client of ioredis for each kind of store: single, Sentinel, Cluster. It reconnects with full
 * jitter, sends nothing again by itself, and has no offline queue.
 */

import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { StoreUrl } from "./redis-url.ts";

/** The longest backoff between two attempts to connect. */
export const RECONNECT_MS_MAX = 1000;
const RECONNECT_MS_MIN = 20;

export type RedisClient = Redis | Cluster;

export function createRedisClient(address: StoreUrl, timeoutMs: number): RedisClient {
  const common = {
    connectTimeout: timeoutMs,
    // A stopped server keeps its connection open for ever: this closes it, and what waits in it
    // fails.
    socketTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    disableClientInfo: true,
    connectionName: "ovation",
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
  } satisfies RedisOptions;
  // After a failover the old master may return as a replica at the same endpoint.
  const reconnectOnError = (error: Error) => error.message.startsWith("READONLY");
  const [first] = address.hosts;
  if (first === undefined) throw new Error("the table's address names no host");
  switch (address.kind) {
    case "single":
      return new Redis({
        ...common,
        ...first,
        db: address.database,
        retryStrategy: reconnectDelay,
        reconnectOnError,
      });
    case "sentinel":
      return new Redis({
        ...common,
        sentinels: address.hosts.map((host) => ({ ...host })),
        name: address.name ?? "",
        db: address.database,
        enableTLSForSentinelMode: address.tls,
        retryStrategy: reconnectDelay,
        sentinelRetryStrategy: reconnectDelay,
        sentinelCommandTimeout: timeoutMs,
        // When the Sentinels announce a new master, the connection to the old one is dropped though
        // it still answers.
        failoverDetector: true,
        reconnectOnError,
      });
    case "cluster": {
      const { enableOfflineQueue: _, ...redisOptions } = common;
      return new Cluster([...address.hosts], {
        redisOptions,
        enableAutoPipelining: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: timeoutMs,
        slotsRefreshInterval: 2000,
        // How often ioredis itself follows a MOVED; longer chains are retried by `run`.
        maxRedirections: 4,
      });
    }
  }
}

/** Full jitter, so that clients do not all reconnect to a returning store at once. */
export function reconnectDelay(times: number): number {
  const spread = Math.min(RECONNECT_MS_MAX - RECONNECT_MS_MIN, 50 * 2 ** Math.min(times, 10));
  return RECONNECT_MS_MIN + Math.random() * spread;
}
