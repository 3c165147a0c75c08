/**
 * The subscription table on Redis or Valkey: for every dispatcher of a data centre.
 *
 * Layout (`o` is the prefix):
 * - `o:t:video:42`: hash, frontend id → generation. The rows of one topic; small, so stored as one
 *   packed list. Topics spread over the slots of a Cluster by their own names.
 * - `o:{frontends}:leases`: hash, frontend id → expiry, identity of the store and mark, URL. See
 *   `redis-leases.ts`.
 *
 * A lookup reads the ids of each topic, then the leases of these ids: one command where one node
 * has everything, in a Cluster one pipeline per node and one command. No cache.
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
import { RedisLeases } from "./redis/redis-leases.ts";
import { type RedisStore, script } from "./redis/redis-store.ts";
import { RedisSweep } from "./redis/redis-sweep.ts";
import type {
  FrontendAddress,
  LeaseMark,
  SubscriptionChange,
  SubscriptionTable,
} from "./subscription-table.ts";

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

export interface RedisSubscriptionTableOptions {
  readonly sweepMs?: number;
}

/** `close` leaves the connection open: its opener closes it. */
export class RedisSubscriptionTable implements SubscriptionTable {
  readonly #store: RedisStore;
  readonly #rowPrefix: string;
  readonly #leases: RedisLeases;
  readonly #sweep: RedisSweep;
  readonly #batchedLookup: SubscriptionTable["lookup"];
  #identity: Promise<string> | undefined;

  constructor(store: RedisStore, { sweepMs }: RedisSubscriptionTableOptions = {}) {
    this.#store = store;
    this.#rowPrefix = `${store.prefix}:t:`;
    this.#leases = new RedisLeases(store, "frontends");
    this.#sweep = new RedisSweep({
      store,
      leases: this.#leases,
      rowPrefix: this.#rowPrefix,
      tickMs: sweepMs,
    });
    this.#batchedLookup = createBatchedLookup({
      groupOf: (topic) => store.nodeOf(this.#rowPrefix + topic),
      read: (groups) => this.#readGroups(groups),
    });
  }

  /** Rows of the dead that this process has removed so far. */
  get swept(): number {
    return this.#sweep.swept;
  }

  renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark> {
    return this.#store.run("renew", 2, async () =>
      this.#leases.renew(frontend.id, ttlMs, await this.#readSharedIdentity(), frontend.url),
    );
  }

  release(frontend: FrontendId): Promise<void> {
    return this.#store.run("release", 1, () => this.#leases.release(frontend));
  }

  async change(frontend: FrontendId, changes: readonly SubscriptionChange[]): Promise<void> {
    for (let start = 0; start < changes.length; start += CHANGES_PER_SLICE) {
      const slice = changes.slice(start, start + CHANGES_PER_SLICE);
      await this.#store.run("change", slice.length, () =>
        Promise.all(
          slice.map(({ topic, subscribed, generation }) =>
            this.#store.evaluate(
              CHANGE,
              [this.#rowPrefix + topic],
              [frontend, generation, subscribed ? "1" : "0"],
            ),
          ),
        ),
      );
    }
  }

  lookup(topics: readonly Topic[]): ReturnType<SubscriptionTable["lookup"]> {
    return this.#batchedLookup(topics);
  }

  async close(): Promise<void> {
    this.#sweep.close();
  }

  /** Concurrent renewals share one read of the store's identity. */
  #readSharedIdentity(): Promise<string> {
    this.#identity ??= readIdentity(this.#store).finally(() => {
      this.#identity = undefined;
    });
    return this.#identity;
  }

  #readGroups(
    groups: ReadonlyMap<string, ReadonlySet<Topic>>,
  ): ReadonlyMap<string, Promise<Answers>> {
    const isOneNode = this.#store.client instanceof Redis;
    const answers = new Map<string, Promise<Answers>>();
    for (const [name, topics] of groups) {
      const read = isOneNode ? this.#readTogether([...topics]) : this.#readGroup([...topics]);
      // A failed lookup is reported through its group; the promise itself has no listener.
      read.catch(() => undefined);
      answers.set(name, read);
    }
    return answers;
  }

  /** The rows of one node of a Cluster, then the leases of the ids in them. */
  async #readGroup(topics: readonly Topic[]): Promise<Answers> {
    const rows = await this.#store.run("lookup", topics.length, () =>
      Promise.all(topics.map((topic) => this.#store.client.hkeys(this.#rowPrefix + topic))),
    );
    const ids = [...new Set(rows.flat())];
    const live = await this.#store.run("lookup", 1, () => this.#leases.liveOf(ids));
    return this.#toAnswers(topics, rows, live);
  }

  /**
   * Hot path: where one node has everything, leases and rows are one command. Most of a lookup's
   * cost is one command and promise per topic in this process, not in Redis: see `table.bench.ts`.
   */
  async #readTogether(topics: readonly Topic[]): Promise<Answers> {
    const slices: Promise<Answers>[] = [];
    for (let start = 0; start < topics.length; start += TOPICS_PER_COMMAND) {
      slices.push(this.#readSlice(topics.slice(start, start + TOPICS_PER_COMMAND)));
    }
    if (slices.length === 1 && slices[0] !== undefined) return slices[0];
    return new Map((await Promise.all(slices)).flatMap((answers) => [...answers]));
  }

  async #readSlice(topics: readonly Topic[]): Promise<Answers> {
    const keys = topics.map((topic) => this.#rowPrefix + topic);
    const { live, fields } = await this.#store.run("lookup", topics.length + 1, () =>
      this.#leases.fieldsAndLive(keys),
    );
    return this.#toAnswers(topics, fields, live);
  }

  #toAnswers(
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
        if (address === undefined) this.#sweep.seen(this.#rowPrefix + topic, id);
        else found.push(address);
      }
      answers.set(topic, found);
    }
    return answers;
  }
}
