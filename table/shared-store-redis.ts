/**
 * The shared store on Redis or Valkey: keys `o:limit:…`, `o:claim:…`, `o:value:…`, each with its
 * expiry.
 */

import { randomBytes } from "node:crypto";
import { readIdentity } from "./redis/redis-identity.ts";
import { type RedisStore, script } from "./redis/redis-store.ts";
import { checkSharedKey, checkSharedValue, type SharedStore } from "./shared-store.ts";

/**
 * Failed claims that are kept; an older one that was carried out belongs to no caller until it
 * expires.
 */
export const UNSURE_MAX = 10_000;

/**
 * GCRA. KEYS: bucket (the time at which it is full again, µs). ARGV: the amount and the window, µs.
 * Returns 0, or how long to wait, µs. A retry of the same call can take twice: limits err to the
 * strict side.
 */
const TAKE = script(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local full = tonumber(redis.call('GET', KEYS[1]) or 0)
if full < now then full = now end
local next = full + ARGV[1]
local wait = next - now - ARGV[2]
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return 0`);

/**
 * KEYS: claim. ARGV: a text of this call's own, the time to live. Returns 1 where the key is this
 * call's: a call whose reply was lost is repeated, at once or by its caller, and must succeed
 * again.
 */
const CLAIM = script(`
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0`);

/** `close` leaves the connection open: its opener closes it. */
export function createRedisSharedStore(store: RedisStore): SharedStore {
  const { client } = store;
  const limitKey = (key: string) => `${store.prefix}:limit:${checkSharedKey(key)}`;
  const claimKey = (key: string) => `${store.prefix}:claim:${checkSharedKey(key)}`;
  const valueKey = (key: string) => `${store.prefix}:value:${checkSharedKey(key)}`;
  /** Failed claims: each may have been carried out, then or later. The oldest first. */
  const unsure = new Map<string, string>();

  function remember(key: string, own: string): void {
    unsure.set(key, own);
    if (unsure.size <= UNSURE_MAX) return;
    for (const oldest of unsure.keys()) {
      unsure.delete(oldest);
      return;
    }
  }

  return {
    async take(key, amount, limit, windowMs) {
      if (amount > limit) return { ok: false, retryAfterMs: windowMs };
      const takenUs = Math.round((amount * windowMs * 1000) / limit);
      const waitUs = await store.run("take", 1, () =>
        store.evaluate(TAKE, [limitKey(key)], [takenUs, Math.round(windowMs * 1000)]),
      );
      const retryAfterMs = Math.ceil(Number(waitUs) / 1000);
      return { ok: retryAfterMs === 0, retryAfterMs };
    },
    async claim(key, ttlMs) {
      const claimed = claimKey(key);
      const own = unsure.get(key) ?? randomBytes(12).toString("base64url");
      unsure.delete(key);
      try {
        return await store.run("claim", 2, async () => {
          const mine = (await store.evaluate(CLAIM, [claimed], [own, Math.ceil(ttlMs)])) === 1;
          // Read after it: the other way round the store could be flushed in between, unnoticed.
          return { mine, life: await readIdentity(store) };
        });
      } catch (error) {
        remember(key, own);
        throw error;
      }
    },
    async set(key, value, ttlMs) {
      await store.run("set", 1, () =>
        client.set(valueKey(key), checkSharedValue(value), "PX", Math.ceil(ttlMs)),
      );
    },
    async get(keys) {
      // Single GETs, which leave in one pipeline per node: an MGET may not cross the slots of a
      // Cluster.
      const found = await store.run("get", keys.length, () =>
        Promise.all(keys.map((key) => client.get(valueKey(key)))),
      );
      return found.map((value) => value ?? undefined);
    },
    async close() {},
  };
}
