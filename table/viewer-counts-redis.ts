/**
 * Viewer counts on Redis or Valkey, in the layout of the subscription table: `o:v:video:42` is a
 * hash, frontend → number, and `o:{viewers}:leases` names the live reporters. Another data centre's
 * numbers are their own keys, `o:dc:EAST:video:42`, which expire.
 *
 * Cost: a report is one command per topic that changed and two more; totals are one command per
 * topic and data centre, and one more, in one pipeline per node, and then one to each node for its
 * identity: a store that lost its rows is no video without viewers (`held-totals.ts`).
 */

import { randomBytes } from "node:crypto";
import { type Clock, steadyClock, type Topic } from "@ovation/protocol";
import { HeldTotals } from "./held-totals.ts";
import { readIdentity, readLife } from "./redis/redis-identity.ts";
import { createRedisLeases } from "./redis/redis-leases.ts";
import type { RedisStore } from "./redis/redis-store.ts";
import { createRedisSweep } from "./redis/redis-sweep.ts";
import {
  DATACENTER_REPORTER_PREFIX,
  type ViewerCount,
  type ViewerCounts,
  type ViewerTotal,
} from "./viewer-counts.ts";

const COUNTS_PER_SLICE = 2000;

export interface RedisViewerCountsOptions {
  readonly store: RedisStore;
  readonly sweepMs?: number;
  /** Default: the steady one. */
  readonly clock?: Clock;
  /**
   * While the store is not whole, a total that this process does not know is `undefined`, and not
   * what the store has of it by now. Default: false.
   */
  readonly withholds?: boolean;
}

/** `close` leaves the connection open: its opener closes it. */
export function createRedisViewerCounts({
  store,
  sweepMs,
  clock = steadyClock,
  withholds = false,
}: RedisViewerCountsOptions): ViewerCounts {
  const { client } = store;
  const rowPrefix = `${store.prefix}:v:`;
  const leases = createRedisLeases(store, "viewers");
  const sweep = createRedisSweep({
    store,
    leases,
    rowPrefix,
    ...(sweepMs === undefined ? {} : { tickMs: sweepMs }),
  });

  const held = new HeldTotals(clock, withholds);
  /** Data centres seen so far: a few, by configuration. */
  const datacenters = new Set<string>();
  const datacenterKey = (reporter: string, topic: Topic) => `${store.prefix}:${reporter}:${topic}`;

  function sum(
    topicKey: string,
    numbers: Record<string, string>,
    live: ReadonlyMap<string, string>,
  ): number {
    let viewers = 0;
    for (const [reporter, value] of Object.entries(numbers)) {
      if (live.has(reporter)) viewers += Number.parseInt(value, 10);
      else sweep.seen(topicKey, reporter);
    }
    return viewers;
  }

  /** The sum of these data centres' numbers per topic. */
  async function remote(
    topics: readonly Topic[],
    names: readonly string[],
  ): Promise<readonly number[]> {
    const values = await Promise.all(
      topics.map((topic) =>
        Promise.all(names.map((name) => client.get(datacenterKey(name, topic)))),
      ),
    );
    return values.map((found) => found.reduce((viewers, value) => viewers + Number(value ?? 0), 0));
  }

  async function totals(topics: readonly Topic[]): Promise<readonly (ViewerTotal | undefined)[]> {
    const keys = topics.map((topic) => rowPrefix + topic);
    const known = [...datacenters];
    const [live, elsewhere, ...rows] = await Promise.all([
      leases.live(),
      remote(topics, known),
      ...keys.map((key) => client.hgetall(key)),
    ]);
    const added = [...live.keys()].filter(
      (name) => name.startsWith(DATACENTER_REPORTER_PREFIX) && !datacenters.has(name),
    );
    const more = added.length === 0 ? [] : await remote(topics, added);
    for (const name of added) datacenters.add(name);
    const summed = rows.map((numbers, index) => {
      const local = sum(keys[index] ?? "", numbers, live);
      return { local, all: local + (elsewhere[index] ?? 0) + (more[index] ?? 0) };
    });
    // After the rows: a loss in between is seen too early, and not too late.
    return held.answer(await readLife(store), topics, summed);
  }

  function write(
    reporter: string,
    { topic, viewers }: ViewerCount,
    mark: string,
    ttlMs: number,
  ): Promise<unknown> {
    const rounded = Math.round(viewers);
    if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) {
      return rounded > 0
        ? client.hset(rowPrefix + topic, reporter, `${rounded} ${mark}`)
        : client.hdel(rowPrefix + topic, reporter);
    }
    const key = datacenterKey(reporter, topic);
    return rounded > 0 ? client.set(key, rounded, "PX", Math.ceil(ttlMs)) : client.del(key);
  }

  return {
    async report(reporter, counts, ttlMs) {
      // The lease first: the numbers that follow are not swept then.
      await store.run("report", 2, async () =>
        leases.renew(reporter, ttlMs, await readIdentity(store), ""),
      );
      // Two equal numbers of two incarnations of a reporter must differ, or sweeping the first
      // could remove the second.
      const mark = randomBytes(3).toString("hex");
      for (let start = 0; start < counts.length; start += COUNTS_PER_SLICE) {
        const slice = counts.slice(start, start + COUNTS_PER_SLICE);
        await store.run("report", slice.length, () =>
          Promise.all(slice.map((count) => write(reporter, count, mark, ttlMs))),
        );
      }
    },
    release: (reporter) => store.run("release", 1, () => leases.release(reporter)),
    totals: (topics) =>
      store.run("totals", topics.length * (1 + datacenters.size) + 2, () => totals(topics)),
    async close() {
      sweep.close();
    },
  };
}
