/**
 * The shared store on Redis or Valkey: keys `o:limit:…`, `o:claim:…`, `o:value:…`, each with its
 * expiry.
 */

import { randomBytes } from "node:crypto";
import { readIdentity } from "./redis/redis-identity.ts";
import { type RedisStore, script } from "./redis/redis-store.ts";
import {
  type Claim,
  checkSharedKey,
  checkSharedValue,
  type SharedStore,
  type Taken,
} from "./shared-store.ts";

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
export class RedisSharedStore implements SharedStore {
  readonly #store: RedisStore;
  /** Failed claims: each may have been carried out, then or later. The oldest first. */
  readonly #unsure = new Map<string, string>();

  constructor(store: RedisStore) {
    this.#store = store;
  }

  async take(key: string, amount: number, limit: number, windowMs: number): Promise<Taken> {
    if (amount > limit) return { ok: false, retryAfterMs: windowMs };
    const takenUs = Math.round((amount * windowMs * 1000) / limit);
    const bucket = this.#keyOf("limit", key);
    const waitUs = await this.#store.run("take", 1, () =>
      this.#store.evaluate(TAKE, [bucket], [takenUs, Math.round(windowMs * 1000)]),
    );
    const retryAfterMs = Math.ceil(Number(waitUs) / 1000);
    return { ok: retryAfterMs === 0, retryAfterMs };
  }

  async claim(key: string, ttlMs: number): Promise<Claim> {
    const claimed = this.#keyOf("claim", key);
    const own = this.#unsure.get(key) ?? randomBytes(12).toString("base64url");
    this.#unsure.delete(key);
    try {
      return await this.#store.run("claim", 2, async () => {
        const values = [own, Math.ceil(ttlMs)];
        const mine = (await this.#store.evaluate(CLAIM, [claimed], values)) === 1;
        // Read after it: the other way round the store could be flushed in between, unnoticed.
        return { mine, life: await readIdentity(this.#store) };
      });
    } catch (error) {
      this.#remember(key, own);
      throw error;
    }
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const [named, checked] = [this.#keyOf("value", key), checkSharedValue(value)];
    await this.#store.run("set", 1, () =>
      this.#store.client.set(named, checked, "PX", Math.ceil(ttlMs)),
    );
  }

  async get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    // Single GETs, which leave in one pipeline per node: an MGET may not cross the slots of a
    // Cluster.
    const named = keys.map((key) => this.#keyOf("value", key));
    const found = await this.#store.run("get", keys.length, () =>
      Promise.all(named.map((key) => this.#store.client.get(key))),
    );
    return found.map((value) => value ?? undefined);
  }

  async close(): Promise<void> {}

  #keyOf(kind: "limit" | "claim" | "value", key: string): string {
    return `${this.#store.prefix}:${kind}:${checkSharedKey(key)}`;
  }

  #remember(key: string, own: string): void {
    this.#unsure.set(key, own);
    if (this.#unsure.size <= UNSURE_MAX) return;
    for (const oldest of this.#unsure.keys()) {
      this.#unsure.delete(oldest);
      return;
    }
  }
}
