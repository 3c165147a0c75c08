/**
 * Leases in the store: which frontends are alive. One hash, id → `expiry identity.mark value`. A
 * lookup reads the leases of the ids in its rows and no others: what it costs does not depend on
 * how many frontends there are. Time is the store's own clock: the clocks of dispatchers need not
 * agree.
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

/** KEYS: leases, deaths. `check` adds the id to `live`, once; it removes an expired lease. */
const CHECK = `
${NOW}
local live, seen = {}, {}
local function check(id)
  if seen[id] then return end
  seen[id] = true
  local lease = redis.call('HGET', KEYS[1], id)
  if not lease then return end
  local expiry, value = string.match(lease, '^(%d+) %S+ (.*)$')
  if tonumber(expiry) > now then
    live[#live + 1] = id
    live[#live + 1] = value
  else
    redis.call('HDEL', KEYS[1], id)
    redis.call('INCR', KEYS[2])
  end
end`;

/** KEYS: leases, deaths. ARGV: ids. */
const LIVE_OF = script(`${CHECK}
for i = 1, #ARGV do check(ARGV[i]) end
return live`);

/** KEYS: leases, deaths, and hashes. Returns a line of fields of each hash, and their leases. */
const FIELDS_AND_LIVE = script(`${CHECK}
local lines = {}
for i = 3, #KEYS do
  local ids = redis.call('HKEYS', KEYS[i])
  for j = 1, #ids do check(ids[j]) end
  lines[i - 2] = table.concat(ids, ' ')
end
return { table.concat(lines, '\\n'), live }`);

export interface FieldsAndLive {
  /** By the index of the hash. */
  readonly fields: readonly (readonly string[])[];
  /** Those of the fields that have a lease. */
  readonly live: ReadonlyMap<string, string>;
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

  /** id → value of those of these ids whose lease runs. */
  async liveOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map();
    return toMap((await this.#store.evaluate(LIVE_OF, this.#keys, ids)) as string[]);
  }

  /** id → value of every lease that runs. Removes all that have expired. */
  async live(): Promise<ReadonlyMap<string, string>> {
    return toMap((await this.#store.evaluate(LIVE, this.#keys, [])) as string[]);
  }

  /**
   * The fields of these hashes, which are ids of leases, and the leases of these: in one command,
   * so only where one node has all keys (single and Sentinel).
   */
  async fieldsAndLive(keys: readonly string[]): Promise<FieldsAndLive> {
    const answer = await this.#store.evaluate(FIELDS_AND_LIVE, [...this.#keys, ...keys], []);
    const [lines, live] = answer as [string, string[]];
    return {
      fields: lines.split("\n").map((line) => (line === "" ? [] : line.split(" "))),
      live: toMap(live),
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
