/**
 * A million personal topics with one subscriber each, in a cluster of four frontends: what a topic weighs in the table's store and
 * in the frontends, and how fast events to random ones of them go through one dispatcher.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { rssBytes } from "../harness/process-figures.ts";
import { type HolderReport, runHolders } from "../harness/topic-holders.ts";
import { count, ms } from "../report.ts";

const TOPICS_PER_CONNECTION = 50;
const PUBLISH_PER_SECOND = 30_000;
const SECONDS = 10;

const benchmark: Benchmark = {
  name: "personal-topics",
  about: "1,000,000 personal topics on 4 frontends: memory per topic, and events to random ones of them through one dispatcher",
  async run(bench) {
    const connections = bench.size(400, 20_000);
    const topics = connections * TOPICS_PER_CONNECTION;
    const cluster = await bench.cluster({ dispatchers: 1, frontends: 4, comments: 1 });
    const frontends = cluster.of("frontend");
    const before = await weigh(cluster);
    const holders = await runHolders({
      urls: frontends.map(({ url }) => url),
      publishUrl: cluster.of("dispatcher")[0]?.url ?? "",
      token: cluster.token,
      connections,
      topicsPerConnection: TOPICS_PER_CONNECTION,
      perSecond: bench.size(3000, PUBLISH_PER_SECOND),
      seconds: bench.size(3, SECONDS),
      whenSubscribed: async (seconds) => {
        const after = await weigh(cluster);
        figures(bench, topics, seconds, before, after, connections);
      },
    });
    publishing(bench, holders);
  },
};

interface Weight {
  readonly frontends: number;
  readonly store: number;
}

async function weigh(cluster: BenchCluster): Promise<Weight> {
  return { frontends: rssBytes(cluster.of("frontend").map(({ pid }) => pid)), store: await usedMemory(cluster.redis("east")) };
}

/** What Redis says of itself. */
async function usedMemory(url: string): Promise<number> {
  const client = new Bun.RedisClient(url);
  const info = String(await client.send("INFO", ["memory"]));
  client.close();
  return Number(/used_memory:([0-9]+)/.exec(info)?.[1] ?? 0);
}

/** What an idle connection weighs by itself (`idle-memory`); the rest is its topics. */
const CONNECTION_BYTES = 4800;

function figures(bench: Bench, topics: number, seconds: number, before: Weight, after: Weight, connections: number): void {
  const store = (after.store - before.store) / topics;
  const own = (after.frontends - before.frontends - connections * CONNECTION_BYTES) / topics;
  bench.note(
    `${count(topics)} topics on ${count(connections)} connections, subscribed in ${seconds.toFixed(1)} s (${count(topics / seconds)}/s)`,
  );
  bench.figure({ what: "table store, per topic", value: `${store.toFixed(0)} B`, target: "< 300 B", ok: store < 300 });
  bench.figure({
    what: "frontends, per topic",
    value: `${own.toFixed(0)} B`,
    against: `${((after.frontends - before.frontends) / topics).toFixed(0)} B with the connections that carry them`,
    target: "< 600 B",
    ok: own < 600,
  });
}

function publishing(bench: Bench, { offered, delivered, perSecond, p50Ms, p99Ms }: HolderReport): void {
  const enough = perSecond >= PUBLISH_PER_SECOND * 0.98 || bench.quick;
  bench.figure({ what: "events to random topics", value: `${count(perSecond)}/s delivered`, target: "30,000/s", ok: enough });
  bench.figure({ what: "publish → client", value: `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`, target: "p99 < 30 ms", ok: p99Ms < 30 });
  bench.figure({ what: "not delivered", value: String(offered - delivered), target: "0", ok: offered === delivered });
}

export default benchmark;
