/**
 * The subscription table on Redis or Valkey: for every dispatcher of a data centre.
 *
 * Layout (`o` is the prefix):
 * - `o:t:video:42`: hash, frontend id → generation. The rows of one topic; small, so stored as one
 *   packed list. Topics spread over the slots of a Cluster by their own names.
 * - `o:{frontends}:leases`: hash, frontend id → expiry, identity of the store, address. See `redis-leases.ts`.
 *
 * A lookup reads a topic's ids and, once per batch, the leases, in one pipeline per node. No cache. Where there is one
 * node, many topics are one command.
 *
 * Staleness: a frontend that dies is in the answers for at most the `ttlMs` of its last renewal. A
 * store that lost rows (restart, fail-over, flush) answers without them until each frontend's next
 * `renew`, which is told `false`, and its put-back: renew about every second.
 * Fencing: a change is applied by a script on the server that compares generations, so no order of
 * arrival, no repetition and no late retry can undo a later change.
 */

import type { FrontendId, Topic } from "@ovation/protocol";
import { Cluster } from "ioredis";
import { createBatchedLookup } from "./batched-lookup.ts";
import { readIdentity } from "./redis-identity.ts";
import { createRedisLeases, renewOnce } from "./redis-leases.ts";
import { openRedisStore, type RedisStore, type RedisStoreOptions, script } from "./redis-store.ts";
import { createRedisSweep } from "./redis-sweep.ts";
import type { FrontendAddress, SubscriptionTable } from "./subscription-table.ts";

/** Commands in one pipeline of `change`: a frontend that puts back 50,000 rows sends them in slices. */
const CHANGES_PER_SLICE = 2000;

/** Topics in one command of `lookup`: longer ones would keep other callers of the store waiting. */
const TOPICS_PER_COMMAND = 200;

/**
 * KEYS: rows. Answers the ids of each.
 *
 * Hot path: a command and a promise for each topic cost the dispatcher 2.8 µs of CPU per topic, this less than half
 * of it, and one store answers 400,000 topics a second instead of 330,000 (`table.bench.ts`). The keys of a script must lie in one slot of a
 * Cluster, and topics lie in all of them: there each topic is a command.
 */
const LOOKUP = script(`
local ids = {}
for i = 1, #KEYS do ids[i] = redis.call('HKEYS', KEYS[i]) end
return ids`);

/** KEYS: row. ARGV: frontend, generation, and `1` for subscribed. */
const CHANGE = script(`
local seen = redis.call('HGET', KEYS[1], ARGV[1])
if seen and tonumber(seen) > tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) else redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1`);

export interface RedisTable extends SubscriptionTable {
  /** Rows of the dead that this process has removed so far. */
  readonly swept: number;
}

export interface RedisTableOptions {
  readonly store: RedisStore;
  /** How often to look for rows of the dead. Default 1,000. */
  readonly sweepMs?: number;
}

/** Connects in the background: until the store is reached, every method rejects. */
export function openRedisTable(options: RedisStoreOptions): RedisTable {
  const store = openRedisStore(options);
  const table = createRedisTable({ store });
  return {
    ...table,
    get swept() {
      return table.swept;
    },
    async close() {
      await table.close();
      await store.close();
    },
  };
}

/** On a store that others use too: `close` leaves it open. */
export function createRedisTable({ store, sweepMs }: RedisTableOptions): RedisTable {
  const { client } = store;
  const rowPrefix = `${store.prefix}:t:`;
  const leases = createRedisLeases(store, "frontends");
  const sweep = createRedisSweep({ store, leases, rowPrefix, ...(sweepMs === undefined ? {} : { tickMs: sweepMs }) });
  let identity: Promise<string> | undefined;

  /** Renewals that come together share one look at the store. */
  function sharedIdentity(): Promise<string> {
    identity ??= readIdentity(store).finally(() => {
      identity = undefined;
    });
    return identity;
  }

  function readRow(topic: Topic): Promise<string[]> {
    return client.hkeys(rowPrefix + topic);
  }

  /** Answers the ids of the frontends of each topic. */
  async function readRows(topics: readonly Topic[]): Promise<readonly string[][]> {
    if (client instanceof Cluster || topics.length === 1) return Promise.all(topics.map(readRow));
    const slices: Promise<unknown>[] = [];
    for (let start = 0; start < topics.length; start += TOPICS_PER_COMMAND) {
      const keys = topics.slice(start, start + TOPICS_PER_COMMAND).map((topic) => rowPrefix + topic);
      slices.push(store.evaluate(LOOKUP, keys, []));
    }
    return ((await Promise.all(slices)) as string[][][]).flat();
  }

  async function readGroup(topics: readonly Topic[], live: Promise<ReadonlyMap<string, FrontendAddress>>) {
    const rows = store.run("lookup", topics.length, () => readRows(topics));
    const [addresses, ids] = await Promise.all([live, rows]);
    const answers = new Map<Topic, FrontendAddress[]>();
    for (const [index, topic] of topics.entries()) {
      const found: FrontendAddress[] = [];
      for (const id of ids[index] ?? []) {
        const address = addresses.get(id);
        if (address === undefined) sweep.seen(rowPrefix + topic, id);
        else found.push(address);
      }
      answers.set(topic, found);
    }
    return answers;
  }

  async function readLive(): Promise<Map<string, FrontendAddress>> {
    const live = await store.run("lookup", 1, () => leases.live());
    const addresses = new Map<string, FrontendAddress>();
    for (const [id, url] of live) addresses.set(id, { id: id as FrontendId, url });
    return addresses;
  }

  return {
    renew: (frontend, ttlMs) =>
      renewOnce(store, "renew", async () => leases.renew(frontend.id, ttlMs, await sharedIdentity(), frontend.url)),

    release: (frontend) => store.run("release", 1, () => leases.release(frontend)),

    async change(frontend, changes) {
      for (let start = 0; start < changes.length; start += CHANGES_PER_SLICE) {
        const slice = changes.slice(start, start + CHANGES_PER_SLICE);
        await store.run("change", slice.length, () =>
          Promise.all(
            slice.map(({ topic, subscribed, generation }) =>
              store.evaluate(CHANGE, [rowPrefix + topic], [frontend, generation, subscribed ? "1" : "0"]),
            ),
          ),
        );
      }
    },

    lookup: createBatchedLookup({
      groupOf: (topic) => store.nodeOf(rowPrefix + topic),
      read(groups) {
        const live = readLive();
        const answers = new Map([...groups].map(([name, topics]) => [name, readGroup([...topics], live)] as const));
        // A lookup that fails is told so through its group; the promises themselves have no other listener.
        live.catch(() => undefined);
        for (const answer of answers.values()) answer.catch(() => undefined);
        return answers;
      },
    }),

    get swept() {
      return sweep.swept;
    },

    async close() {
      sweep.close();
    },
  };
}
