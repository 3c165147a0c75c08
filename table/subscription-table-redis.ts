/**
 * The subscription table on Redis or Valkey: for every dispatcher of a data centre.
 *
 * Layout (`o` is the prefix):
 * - `o:t:video:42`: hash, frontend id → generation. The rows of one topic; small, so stored as one
 *   packed list. Topics spread over the slots of a Cluster by their own names.
 * - `o:{frontends}:leases`: hash, frontend id → expiry, identity of the store and mark, URL. See
 *   `redis-leases.ts`.
 *
 * A lookup reads the ids of each topic and, once per batch, the leases: one command where one node
 * has everything, in a Cluster one pipeline per node. No cache.
 *
 * Staleness: a dead frontend is returned for at most the `ttlMs` of its last renewal. A store that
 * lost rows (restart, failover, flush) lacks them until each frontend's next `renew`, which returns
 * a new mark, and its restore: renew about every second. Fencing: a change is applied by a script
 * on the server that compares generations, so no order of arrival, no repetition and no late retry
 * can undo a later change.
 */

import type { FrontendId, Topic } from "@ovation/protocol";
import { Redis } from "ioredis";
import { createBatchedLookup } from "./batched-lookup.ts";
import { readIdentity } from "./redis/redis-identity.ts";
import { createRedisLeases } from "./redis/redis-leases.ts";
import {
  openRedisStore,
  type RedisStore,
  type RedisStoreOptions,
  script,
} from "./redis/redis-store.ts";
import { createRedisSweep } from "./redis/redis-sweep.ts";
import type { FrontendAddress, SubscriptionTable } from "./subscription-table.ts";

/**
 * Commands in one pipeline of `change`: a frontend that restores 50,000 rows sends them in slices.
 */
const CHANGES_PER_SLICE = 2000;

/** Rows in one command of a lookup: it blocks the store for about half a millisecond. */
const TOPICS_PER_COMMAND = 500;

type Answers = ReadonlyMap<Topic, readonly FrontendAddress[]>;

/** KEYS: row. ARGV: frontend, generation, and `1` for subscribed. */
const CHANGE = script(`
local seen = redis.call('HGET', KEYS[1], ARGV[1])
if seen and tonumber(seen) > tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  else redis.call('HDEL', KEYS[1], ARGV[1]) end
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

/** On a shared store: `close` leaves it open. */
export function createRedisTable({ store, sweepMs }: RedisTableOptions): RedisTable {
  const { client } = store;
  const rowPrefix = `${store.prefix}:t:`;
  const leases = createRedisLeases(store, "frontends");
  const sweep = createRedisSweep({
    store,
    leases,
    rowPrefix,
    ...(sweepMs === undefined ? {} : { tickMs: sweepMs }),
  });
  let identity: Promise<string> | undefined;

  /** Concurrent renewals share one read of the store's identity. */
  function sharedIdentity(): Promise<string> {
    identity ??= readIdentity(store).finally(() => {
      identity = undefined;
    });
    return identity;
  }

  /** The rows of one node of a Cluster. */
  async function readGroup(topics: readonly Topic[], live: Promise<ReadonlyMap<string, string>>) {
    const rows = store.run("lookup", topics.length, () =>
      Promise.all(topics.map((topic) => client.hkeys(rowPrefix + topic))),
    );
    const [urls, ids] = await Promise.all([live, rows]);
    return toAnswers(topics, ids, urls);
  }

  /**
   * Hot path: where one node has everything, leases and rows are one command. Most of a lookup's
   * cost is one command and promise per topic in this process, not in Redis: see `table.bench.ts`.
   */
  async function readTogether(topics: readonly Topic[]) {
    const slices: Promise<Answers>[] = [];
    for (let start = 0; start < topics.length; start += TOPICS_PER_COMMAND) {
      slices.push(readSlice(topics.slice(start, start + TOPICS_PER_COMMAND)));
    }
    if (slices.length === 1 && slices[0] !== undefined) return slices[0];
    return new Map((await Promise.all(slices)).flatMap((answers) => [...answers]));
  }

  async function readSlice(topics: readonly Topic[]): Promise<Answers> {
    const keys = topics.map((topic) => rowPrefix + topic);
    const { live, fields } = await store.run("lookup", topics.length + 1, () =>
      leases.liveAndFields(keys),
    );
    return toAnswers(topics, fields, live);
  }

  function toAnswers(
    topics: readonly Topic[],
    ids: readonly (readonly string[])[],
    urls: ReadonlyMap<string, string>,
  ): Answers {
    const addresses = new Map<string, FrontendAddress>();
    for (const [id, url] of urls) addresses.set(id, { id: id as FrontendId, url });
    const answers = new Map<Topic, readonly FrontendAddress[]>();
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

  return {
    renew: (frontend, ttlMs) =>
      store.run("renew", 2, async () =>
        leases.renew(frontend.id, ttlMs, await sharedIdentity(), frontend.url),
      ),

    release: (frontend) => store.run("release", 1, () => leases.release(frontend)),

    async change(frontend, changes) {
      for (let start = 0; start < changes.length; start += CHANGES_PER_SLICE) {
        const slice = changes.slice(start, start + CHANGES_PER_SLICE);
        await store.run("change", slice.length, () =>
          Promise.all(
            slice.map(({ topic, subscribed, generation }) =>
              store.evaluate(
                CHANGE,
                [rowPrefix + topic],
                [frontend, generation, subscribed ? "1" : "0"],
              ),
            ),
          ),
        );
      }
    },

    lookup: createBatchedLookup({
      groupOf: (topic) => store.nodeOf(rowPrefix + topic),
      read(groups) {
        const live =
          client instanceof Redis ? undefined : store.run("lookup", 1, () => leases.live());
        const answers = new Map(
          [...groups].map(
            ([name, topics]) =>
              [
                name,
                live === undefined ? readTogether([...topics]) : readGroup([...topics], live),
              ] as const,
          ),
        );
        // A failed lookup is reported through its group; the promises themselves have no other
        // listener.
        live?.catch(() => undefined);
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
