/**
 * The throughput of the subscription table, and the memory of a topic, on a private Redis, a
 * private 3-node Cluster, or the server of `--url`:
 *
 *     sh ovation/bin/bun table/table.bench.ts [--topics 1000000] [--seconds 3] [--cluster]
 *       [--url redis://…]
 *
 * The server, this client and everything else share this machine's cores.
 */

import { parseArgs } from "node:util";
import type { FrontendId, Topic } from "@ovation/protocol";
import { startRedis, startRedisCluster } from "../testing/redis.ts";
import { until } from "../testing/until.ts";
import { openRedisStore } from "./redis/redis-store.ts";
import { RedisSubscriptionTable } from "./subscription-table-redis.ts";

const { values } = parseArgs({
  options: {
    topics: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "3" },
    cluster: { type: "boolean", default: false },
    url: { type: "string" },
  },
});
const topicCount = Number(values.topics);
const seconds = Number(values.seconds);

const FRONTENDS = 4;
const BATCH = 500;
/** Batches in flight: those of a dispatcher under load. */
const CONCURRENCY = 4;

const instance =
  values.url === undefined
    ? await (values.cluster ? startRedisCluster() : startRedis())
    : undefined;
const store = openRedisStore({ url: values.url ?? instance?.url ?? "", prefix: "bench" });
await until(() => store.ping().then(() => true));
const table = new RedisSubscriptionTable(store);
const frontends = Array.from({ length: FRONTENDS }, (_, index) => ({
  id: `bench0${index}` as FrontendId,
  url: `http://10.0.0.${index}:9080`,
}));
for (const frontend of frontends) await table.renew(frontend, 600_000);
const topicAt = (index: number) => `member:m${index}` as Topic;
const random = () => topicAt(Math.floor(Math.random() * topicCount));

async function usedBytes(): Promise<number> {
  const infos = await Promise.all(store.masters().map(({ node }) => node.info("memory")));
  return infos.reduce((sum, info) => sum + Number(/used_memory:(\d+)/.exec(info)?.[1]), 0);
}

/** Runs `one` (which does `units`) repeatedly, `CONCURRENCY` at a time. */
async function measure(
  name: string,
  unit: string,
  units: number,
  one: (round: number) => Promise<unknown>,
): Promise<void> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  const cpu = process.cpuUsage();
  let rounds = 0;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (performance.now() < end) {
        const began = performance.now();
        await one(rounds++);
        latencies.push(performance.now() - began);
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  latencies.sort((left, right) => left - right);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(1);
  const perSecond = Math.round((rounds * units) / elapsed).toLocaleString("en");
  const cpuMicros = ((used.user + used.system) / (rounds * units)).toFixed(2);
  console.log(
    `${name.padEnd(34)} ${perSecond.padStart(10)} ${unit}/s   p50 ${at(0.5)} ms  p99 ` +
      `${at(0.99)} ms   ${cpuMicros} µs CPU here per ${unit}`,
  );
}

console.log(
  `${values.cluster ? "Redis Cluster, 3 nodes" : "one Redis"}, ` +
    `${topicCount.toLocaleString("en")} topics, batches of ${BATCH}, ${CONCURRENCY} at ` +
    "a time",
);
const before = await usedBytes();
const began = performance.now();
for (let start = 0; start < topicCount; start += 10_000) {
  const changes = Array.from({ length: Math.min(10_000, topicCount - start) }, (_, index) => ({
    topic: topicAt(start + index),
    subscribed: true,
    generation: start + index + 1,
  }));
  await table.change(frontends[(start / 10_000) % FRONTENDS]?.id ?? ("" as FrontendId), changes);
}
const fillSeconds = (performance.now() - began) / 1000;
console.log(
  `filled in ${fillSeconds.toFixed(1)} s: ` +
    `${Math.round(topicCount / fillSeconds).toLocaleString("en")} subscribes/s`,
);
console.log(`memory per topic: ${Math.round(((await usedBytes()) - before) / topicCount)} B`);

await measure("lookup", "topic", BATCH, () => table.lookup(Array.from({ length: BATCH }, random)));
await measure("lookup of one topic at a time", "topic", 1, () => table.lookup([random()]));
let generation = topicCount;
await measure("subscribe and unsubscribe", "pair", BATCH / 2, async () => {
  const topics = Array.from({ length: BATCH / 2 }, (_, index) =>
    topicAt(topicCount + ((generation + index) % 1_000_000)),
  );
  const frontend = frontends[0]?.id ?? ("" as FrontendId);
  await table.change(
    frontend,
    topics.map((topic) => ({ topic, subscribed: true, generation: ++generation })),
  );
  await table.change(
    frontend,
    topics.map((topic) => ({ topic, subscribed: false, generation: ++generation })),
  );
});
await table.close();
await store.close();
await instance?.stop();
process.exit(0);
