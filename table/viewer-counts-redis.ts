/**
 * Viewer counts on Redis or Valkey, laid out as the subscription table is: `o:v:video:42` is a hash,
 * reporter → number, and `o:{viewers}:leases` says which reporters live.
 *
 * Cost: a report is one command per topic that changed and two more; totals are one command per topic
 * and one more, in one pipeline per node.
 */

import { randomBytes } from "node:crypto";
import { readIdentity } from "./redis-identity.ts";
import { createRedisLeases } from "./redis-leases.ts";
import type { RedisStore } from "./redis-store.ts";
import { createRedisSweep } from "./redis-sweep.ts";
import { DATACENTER_REPORTER_PREFIX, type ViewerCounts, type ViewerTotal } from "./viewer-counts.ts";

const COUNTS_PER_SLICE = 2000;

export interface RedisViewerCountsOptions {
  readonly store: RedisStore;
  readonly sweepMs?: number;
}

/** `close` leaves the connection open: it belongs to whoever opened it. */
export function createRedisViewerCounts({ store, sweepMs }: RedisViewerCountsOptions): ViewerCounts {
  const { client } = store;
  const rowPrefix = `${store.prefix}:v:`;
  const leases = createRedisLeases(store, "viewers");
  const sweep = createRedisSweep({ store, leases, rowPrefix, ...(sweepMs === undefined ? {} : { tickMs: sweepMs }) });

  function sum(topicKey: string, numbers: Record<string, string>, live: ReadonlyMap<string, string>): ViewerTotal {
    let local = 0;
    let all = 0;
    for (const [reporter, value] of Object.entries(numbers)) {
      if (!live.has(reporter)) {
        sweep.seen(topicKey, reporter);
        continue;
      }
      const viewers = Number.parseInt(value, 10);
      all += viewers;
      if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) local += viewers;
    }
    return { local, all };
  }

  return {
    async report(reporter, counts, ttlMs) {
      // Alive first: nobody sweeps the numbers that follow.
      const alive = await store.run("report", 2, async () => leases.renew(reporter, ttlMs, await readIdentity(store), ""));
      // Two equal numbers of two lives of a reporter must differ, or sweeping the first could take the second.
      const mark = randomBytes(3).toString("hex");
      for (let start = 0; start < counts.length; start += COUNTS_PER_SLICE) {
        const slice = counts.slice(start, start + COUNTS_PER_SLICE);
        await store.run("report", slice.length, () =>
          Promise.all(
            slice.map(({ topic, viewers }) =>
              viewers > 0
                ? client.hset(rowPrefix + topic, reporter, `${Math.round(viewers)} ${mark}`)
                : client.hdel(rowPrefix + topic, reporter),
            ),
          ),
        );
      }
      return alive;
    },
    release: (reporter) => store.run("release", 1, () => leases.release(reporter)),
    totals: (topics) =>
      store.run("totals", topics.length + 1, async () => {
        const keys = topics.map((topic) => rowPrefix + topic);
        const [live, ...rows] = await Promise.all([leases.live(), ...keys.map((key) => client.hgetall(key))]);
        return rows.map((numbers, index) => sum(keys[index] ?? "", numbers, live));
      }),
    async close() {
      sweep.close();
    },
  };
}
