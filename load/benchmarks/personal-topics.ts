/**
 * A million personal topics with one subscriber each, in a cluster of four frontends: memory per
 * topic in the table's store and in the frontends, and the rate of events to random ones of them
 * through one dispatcher.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { cpuSeconds, processTree, rssBytes } from "../harness/process-figures.ts";
import { type HolderReport, runHolders } from "../harness/topic-holders.ts";
import { count, ms } from "../report.ts";

const TOPICS_PER_CONNECTION = 50;
const PUBLISH_PER_SECOND = 30_000;
/**
 * In the first two seconds the dispatcher runs its publish path for the first time, and waits for
 * the compiler.
 */
const WARM_UP_SECONDS = 3;
const SECONDS = 10;
/** After the last subscription: the engine collects the garbage of a burst some seconds later. */
const SETTLE_MS = 8000;

const benchmark: Benchmark = {
  name: "personal-topics",
  about:
    "1,000,000 personal topics on 4 frontends: memory per topic, and events to random " +
    "ones of them through one dispatcher",
  async run(bench) {
    const connections = bench.size(400, 20_000);
    const topics = connections * TOPICS_PER_CONNECTION;
    const cluster = await bench.cluster({ dispatchers: 1, frontends: 4, comments: 1 });
    const frontends = cluster.of("frontend");
    const before = await weigh(cluster);
    const cpu = new RoleCpu(cluster);
    const holders = await runHolders({
      urls: frontends.map(({ url }) => url),
      publishUrl: cluster.of("dispatcher")[0]?.url ?? "",
      token: cluster.token,
      connections,
      topicsPerConnection: TOPICS_PER_CONNECTION,
      perSecond: bench.size(3000, PUBLISH_PER_SECOND),
      warmUpSeconds: bench.size(1, WARM_UP_SECONDS),
      seconds: bench.size(3, SECONDS),
      whenSubscribed: async (seconds) => {
        const atOnce = await weigh(cluster);
        await Bun.sleep(SETTLE_MS);
        const after = await weigh(cluster);
        figures(bench, { topics, connections, seconds, before, atOnce, after });
      },
      whenWarm: () => cpu.begin(),
      whenPublished: () => cpu.end(),
    });
    publishing(bench, holders, cpu.seconds);
    const spoken = (await weigh(cluster)).frontends - before.frontends;
    bench.note(
      `frontends after the events: ${(spoken / topics).toFixed(0)} B per topic with ` +
        "the connections",
    );
    for (const [role, share] of cpu.perEvent(holders.measured))
      bench.note(`CPU per event: ${role} ${share}`);
  },
};

/**
 * CPU of each role while events are published, to tell how much of a latency is waiting for a core.
 */
class RoleCpu {
  readonly #pids: ReadonlyMap<string, readonly number[]>;
  #began = new Map<string, number>();
  #spent = new Map<string, number>();
  #beganMs = 0;
  #tookMs = 0;

  constructor(cluster: BenchCluster) {
    const roles = new Map<string, number[]>();
    for (const { role, pid } of cluster.processes)
      roles.set(role, [...(roles.get(role) ?? []), pid]);
    const named = new Set([...roles.values()].flat());
    roles.set(
      "Redis and PostgreSQL",
      cluster.pids().filter((pid) => !named.has(pid)),
    );
    this.#pids = roles;
  }

  /** Length of the measured part. */
  get seconds(): number {
    return this.#tookMs / 1000;
  }

  begin(): void {
    this.#beganMs = performance.now();
    this.#began = this.#read();
  }

  end(): void {
    this.#tookMs = performance.now() - this.#beganMs;
    for (const [role, seconds] of this.#read())
      this.#spent.set(role, seconds - (this.#began.get(role) ?? 0));
  }

  #read(): Map<string, number> {
    const own = processTree(process.pid);
    const seconds = new Map(
      [...this.#pids].map(([role, pids]) => [role, cpuSeconds(pids)] as const),
    );
    const known = new Set([...this.#pids.values()].flat());
    // The publisher and the readers: every child process that is not the cluster.
    return seconds.set("generator", cpuSeconds(own.filter((pid) => !known.has(pid))));
  }

  perEvent(events: number): (readonly [role: string, share: string])[] {
    return [...this.#spent].map(([role, seconds]) => {
      const micros = (seconds * 1_000_000) / Math.max(1, events);
      return [
        role,
        `${micros.toFixed(1)} µs, ${((seconds * 100_000) / this.#tookMs).toFixed(0)} % of a core`,
      ] as const;
    });
  }
}

interface Weight {
  readonly frontends: number;
  readonly store: number;
}

async function weigh(cluster: BenchCluster): Promise<Weight> {
  return {
    frontends: rssBytes(cluster.of("frontend").map(({ pid }) => pid)),
    store: await usedMemory(cluster.redis("east")),
  };
}

/** What Redis says of itself. */
async function usedMemory(url: string): Promise<number> {
  const client = new Bun.RedisClient(url);
  const info = String(await client.send("INFO", ["memory"]));
  client.close();
  return Number(/used_memory:([0-9]+)/.exec(info)?.[1] ?? 0);
}

/** The memory of an idle connection (`idle-memory`); the rest is its topics. */
const CONNECTION_BYTES = 4800;

interface Subscribed {
  readonly topics: number;
  readonly connections: number;
  readonly seconds: number;
  readonly before: Weight;
  /** At the moment of the last subscription, with the garbage of all of them. */
  readonly atOnce: Weight;
  readonly after: Weight;
}

function figures(
  bench: Bench,
  { topics, connections, seconds, before, atOnce, after }: Subscribed,
): void {
  const store = (after.store - before.store) / topics;
  const perTopic = (weight: Weight) => ((weight.frontends - before.frontends) / topics).toFixed(0);
  const own = (after.frontends - before.frontends - connections * CONNECTION_BYTES) / topics;
  bench.note(
    `${count(topics)} topics on ${count(connections)} connections, subscribed in ` +
      `${seconds.toFixed(1)} s (${count(topics / seconds)}/s)`,
  );
  bench.figure({
    what: "table store, per topic",
    value: `${store.toFixed(0)} B`,
    target: "< 300 B",
    ok: store < 300,
  });
  bench.figure({
    what: "frontends, per topic",
    value: `${own.toFixed(0)} B`,
    against:
      `${perTopic(after)} B with the connections that carry them, ${perTopic(atOnce)} B ` +
      "at the moment of the last one",
    target: "< 600 B",
    ok: own < 600,
  });
}

function publishing(
  bench: Bench,
  { offered, delivered, measured, p50Ms, p99Ms }: HolderReport,
  seconds: number,
): void {
  const perSecond = measured / seconds;
  const enough = perSecond >= PUBLISH_PER_SECOND * 0.98 || bench.quick;
  bench.figure({
    what: "events to random topics",
    value: `${count(perSecond)}/s delivered`,
    target: "30,000/s",
    ok: enough,
  });
  bench.figure({
    what: "publish → client",
    value: `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`,
    target: "p99 < 30 ms",
    ok: p99Ms < 30,
  });
  bench.figure({
    what: "not delivered",
    value: String(offered - delivered),
    target: "0",
    ok: offered === delivered,
  });
}

export default benchmark;
