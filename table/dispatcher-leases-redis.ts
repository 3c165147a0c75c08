/**
 * The dispatchers of a data centre on Redis or Valkey: `o:{dispatchers}:leases` is a hash, id →
 * `expiry url`. Time is the store's own clock. A renewal is one script call; its reply has 60 bytes
 * for each dispatcher.
 */

import {
  type DispatcherAddress,
  type DispatcherLeases,
  type RenewedDispatcherLease,
  sortedById,
} from "./dispatcher-leases.ts";
import { type RedisStore, script } from "./redis/redis-store.ts";

/** KEYS: leases. ARGV: id, ttl, url. Returns whether there was a lease, and `id, url, id, url…`. */
const RENEW = script(`
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local found = { 0, ARGV[1], ARGV[3] }
for i = 1, #all, 2 do
  local expiry, url = string.match(all[i + 1], '^(%d+) (.*)$')
  if tonumber(expiry) <= now then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] == ARGV[1] then found[1] = 1
  else found[#found + 1] = all[i]; found[#found + 1] = url end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[2]) .. ' ' .. ARGV[3])
return found`);

export class RedisDispatcherLeases implements DispatcherLeases {
  readonly #store: RedisStore;
  readonly #key: string;

  constructor(store: RedisStore) {
    this.#store = store;
    this.#key = `${store.prefix}:{dispatchers}:leases`;
  }

  async renew({ id, url }: DispatcherAddress, ttlMs: number): Promise<RenewedDispatcherLease> {
    const [existed, ...flat] = (await this.#store.run("renew", 1, () =>
      this.#store.evaluate(RENEW, [this.#key], [id, Math.round(ttlMs), url]),
    )) as [number, ...string[]];
    const dispatchers: DispatcherAddress[] = [];
    for (let index = 0; index + 1 < flat.length; index += 2)
      dispatchers.push({ id: flat[index] ?? "", url: flat[index + 1] ?? "" });
    return { isNew: existed === 0, dispatchers: sortedById(dispatchers) };
  }

  async release(id: string): Promise<void> {
    await this.#store.run("release", 1, () => this.#store.client.hdel(this.#key, id));
  }
}
