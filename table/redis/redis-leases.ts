/**
 * Leases in the store: which frontends are alive. One small hash, id → `expiry identity.mark
 * value`, read whole with every lookup, so that it costs one command per batch and not one per row.
 * Time is the store's own clock: the clocks of dispatchers need not agree.
 */

import { randomBytes } from "node:crypto";
import { type RedisStore, script } from "./redis-store.ts";

const NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)";

/**
 * KEYS: leases, deaths. ARGV: id, ttl, identity, value, a new mark. Returns the mark: the old one
 * where the lease runs, under the same identity.
 *
 * The count of deaths always exists: while a slot moves from node to node, a Cluster rejects a
 * command with one key that exists and one that does not, and every lookup names both.
 */
const RENEW = script(`
${NOW}
redis.call('SETNX', KEYS[2], 0)
local mark = ARGV[5]
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  local expiry, identity, known = string.match(old, '^(%d+) ([^ .]+)%.(%S+) ')
  if expiry and tonumber(expiry) > now and identity == ARGV[3] then mark = known end
end
redis.call('HSET', KEYS[1], ARGV[1],
    string.format('%.0f', now + ARGV[2]) .. ' ' .. ARGV[3] .. '.' .. mark .. ' ' .. ARGV[4])
return mark`);

/** KEYS: leases, deaths. ARGV: id. */
const RELEASE = script(`
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('INCR', KEYS[2]) end
return 1`);

/** KEYS: leases, deaths. Makes `live`: id, value, id, value…; removes expired ones. */
const READ_LIVE = `
${NOW}
local all = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #all, 2 do
  local expiry, value = string.match(all[i + 1], '^(%d+) %S+ (.*)$')
  if tonumber(expiry) > now then
    live[#live + 1] = all[i]
    live[#live + 1] = value
  else
    redis.call('HDEL', KEYS[1], all[i])
    redis.call('INCR', KEYS[2])
  end
end`;

const LIVE = script(`${READ_LIVE}
return live`);

/** KEYS: leases, deaths, and hashes. Returns the leases, and of each hash a line of its fields. */
const LIVE_AND_FIELDS = script(`${READ_LIVE}
local lines = {}
for i = 3, #KEYS do lines[i - 2] = table.concat(redis.call('HKEYS', KEYS[i]), ' ') end
return { live, table.concat(lines, '\\n') }`);

export interface LiveAndFields {
  readonly live: ReadonlyMap<string, string>;
  /** By the index of the hash. */
  readonly fields: readonly (readonly string[])[];
}

/** For use inside `RedisStore.run`, which gives its calls their deadline. */
export class RedisLeases {
  readonly #store: RedisStore;
  readonly #deathsKey: string;
  readonly #keys: readonly [leases: string, deaths: string];

  constructor(store: RedisStore, name: string) {
    this.#store = store;
    // One hash tag for both, so that a Cluster keeps them together for the scripts.
    this.#deathsKey = `${store.prefix}:{${name}}:deaths`;
    this.#keys = [`${store.prefix}:{${name}}:leases`, this.#deathsKey];
  }

  /**
   * `identity`: the identity of the store (no spaces, no dots). Returns the lease's mark, which is
   * kept while the lease runs under one identity.
   */
  async renew(id: string, ttlMs: number, identity: string, value: string): Promise<string> {
    const fresh = randomBytes(6).toString("base64url");
    const values = [id, Math.round(ttlMs), identity, value, fresh];
    return String(await this.#store.evaluate(RENEW, this.#keys, values));
  }

  async release(id: string): Promise<void> {
    await this.#store.evaluate(RELEASE, this.#keys, [id]);
  }

  /** id → value of every lease that runs. */
  async live(): Promise<ReadonlyMap<string, string>> {
    return toMap((await this.#store.evaluate(LIVE, this.#keys, [])) as string[]);
  }

  /**
   * With the fields of these hashes, whose ids are those of the leases: in one command, so only
   * where one node has all keys (single and Sentinel).
   */
  async liveAndFields(keys: readonly string[]): Promise<LiveAndFields> {
    const answer = await this.#store.evaluate(LIVE_AND_FIELDS, [...this.#keys, ...keys], []);
    const [live, lines] = answer as [string[], string];
    return {
      live: toMap(live),
      fields: lines.split("\n").map((line) => (line === "" ? [] : line.split(" "))),
    };
  }

  /** How many leases have ended so far: while it is constant there is nothing to sweep. */
  async deaths(): Promise<string> {
    return (await this.#store.client.get(this.#deathsKey)) ?? "0";
  }
}

function toMap(flat: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2)
    map.set(flat[index] ?? "", flat[index + 1] ?? "");
  return map;
}
