/**
 * The stage of one number of frontends: real dispatchers, Redis and PostgreSQL, the fleet of fake
 * frontends, and the meters over them.
 */

import { readFileSync } from "node:fs";
import { type Log, type LogKeeper, openLog } from "@ovation/log";
import type { Topic } from "@ovation/protocol";
import type { Bench } from "../benchmark.ts";
import type { BenchCluster, ClusterNode } from "../cluster.ts";
import { CpuMeter } from "../cpu-meter.ts";
import { wallClock } from "../failover-publishers.ts";
import { rssBytes } from "../process-figures.ts";
import { GROWTH_EVENT } from "./arrivals.ts";
import { Fleet } from "./fleet.ts";
import { openPostgresProbe, openRedisFigures, type PostgresProbe } from "./store-figures.ts";

export interface StageOptions {
  readonly frontends: number;
  readonly dispatchers: number;
  /** Videos that all frontends have, each with a viewer. */
  readonly videos: number;
  /** Rows of each frontend alone. */
  readonly rows: number;
}

/** Of a stretch of time. */
export interface Costs {
  readonly seconds: number;
  readonly redisCpuSeconds: number;
  readonly redisCommands: number;
  readonly redisBytes: number;
  /** Of all dispatchers. */
  readonly dispatcherCpuSeconds: number;
  readonly postgresCpuSeconds: number;
  readonly statements: number;
  readonly pageReads: number;
  /** Of the fake frontends, which share the cores with what is measured. */
  readonly fakesCpuSeconds: number;
}

/** When an event was published, ms since 1970, and whether a dispatcher accepted it. */
export interface PublishedNumber {
  readonly number: number;
  readonly at: number;
  readonly isAccepted: boolean;
}

/** Until the fleet has its rows; with today's machines some 100 frontends a second have. */
const START_MS_MIN = 60_000;
const START_MS_PER_FRONTEND = 200;
const PROGRESS_MS = 5000;
const PUBLISH_TIMEOUT_MS = 5000;

export class Stage {
  readonly options: StageOptions;
  readonly bench: Bench;
  readonly fleet: Fleet;
  readonly cluster: BenchCluster;
  readonly redis: ReturnType<typeof openRedisFigures>;
  readonly #postgres: PostgresProbe;
  readonly #pids: Map<string, number>;
  #log: Promise<Log & LogKeeper> | undefined;
  #lost: string | undefined;
  #number = 0;

  private constructor(
    bench: Bench,
    options: StageOptions,
    cluster: BenchCluster,
    postgres: PostgresProbe,
  ) {
    this.bench = bench;
    this.options = options;
    this.cluster = cluster;
    this.#postgres = postgres;
    this.redis = openRedisFigures(cluster.redis("east"));
    this.#pids = new Map(this.dispatchers.map(({ name, pid }) => [name, pid]));
    this.fleet = new Fleet((reason) => {
      this.#lost = reason;
    });
  }

  static async open(bench: Bench, options: StageOptions): Promise<Stage> {
    const { frontends, dispatchers } = options;
    bench.progress(
      `${frontends} frontends: Redis, PostgreSQL and ${dispatchers} dispatchers start`,
    );
    const cluster = await bench.cluster({
      dispatchers,
      frontends: 0,
      comments: 0,
      countStatements: true,
      logLevel: "error",
    });
    const stage = new Stage(bench, options, cluster, await openPostgresProbe(cluster.postgres));
    try {
      await stage.add(frontends);
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  /** More frontends, in waves, until each has its rows. They are quiet then. */
  async add(count: number): Promise<void> {
    const { videos, rows } = this.options;
    const { bench, fleet } = this;
    const before = fleet.size;
    const withinMs = Math.max(START_MS_MIN, count * START_MS_PER_FRONTEND);
    const from = performance.now();
    const timer = setInterval(async () => {
      const ready = await fleet.started().catch(() => before);
      bench.progress(`${ready} of ${fleet.size} frontends have their rows`);
    }, PROGRESS_MS);
    try {
      const dispatchers = this.dispatchers.map(({ internalUrl }) => internalUrl);
      const { internalSecret } = this.cluster;
      const ready = await fleet.add({ count, dispatchers, internalSecret, videos, rows, withinMs });
      const seconds = (performance.now() - from) / 1000;
      if (ready < count)
        throw new Error(
          `${ready} of ${count} frontends had their rows after ${seconds.toFixed(0)} s`,
        );
      bench.progress(`${count} frontends have their rows after ${seconds.toFixed(1)} s`);
    } finally {
      clearInterval(timer);
    }
  }

  get dispatchers(): readonly ClusterNode[] {
    return this.cluster.of("dispatcher");
  }

  get frontends(): number {
    return this.fleet.size;
  }

  /** Resident memory of each dispatcher, bytes. */
  dispatcherBytes(): readonly number[] {
    return [...this.#pids.values()].map((pid) => rssBytes([pid]));
  }

  /** Costs of all processes while this runs. */
  async measure(run: () => Promise<unknown>): Promise<Costs> {
    const dispatchers = new CpuMeter(() => [...this.#pids.values()]);
    const fakes = new CpuMeter(() => this.fleet.pids);
    const postgres = new CpuMeter(() => this.#postgres.pids());
    const [redisBefore, postgresBefore] = [await this.redis.read(), await this.#postgres.read()];
    const from = performance.now();
    await run();
    if (this.#lost !== undefined) throw new Error(this.#lost);
    const seconds = (performance.now() - from) / 1000;
    const cpu = {
      dispatcherCpuSeconds: dispatchers.seconds(),
      fakesCpuSeconds: fakes.seconds(),
      postgresCpuSeconds: postgres.seconds(),
    };
    const [redisAfter, postgresAfter] = [await this.redis.read(), await this.#postgres.read()];
    return {
      seconds,
      ...cpu,
      redisCpuSeconds: redisAfter.cpuSeconds - redisBefore.cpuSeconds,
      redisCommands: redisAfter.commands - redisBefore.commands,
      redisBytes: redisAfter.bytes - redisBefore.bytes,
      statements: postgresAfter.statements - postgresBefore.statements,
      pageReads: postgresAfter.pageReads - postgresBefore.pageReads,
    };
  }

  /**
   * Costs of this run alone: those of a stretch without it are subtracted. For parts in which
   * frontends are quiet.
   */
  async measureAlone(baselineSeconds: number, run: () => Promise<void>): Promise<Costs> {
    const base = await this.measure(() => Bun.sleep(baselineSeconds * 1000));
    const costs = await this.measure(run);
    const share = costs.seconds / base.seconds;
    const less = (name: keyof Costs) => Math.max(0, costs[name] - base[name] * share);
    return {
      seconds: costs.seconds,
      redisCpuSeconds: less("redisCpuSeconds"),
      redisCommands: less("redisCommands"),
      redisBytes: less("redisBytes"),
      dispatcherCpuSeconds: less("dispatcherCpuSeconds"),
      postgresCpuSeconds: less("postgresCpuSeconds"),
      statements: less("statements"),
      pageReads: less("pageReads"),
      fakesCpuSeconds: less("fakesCpuSeconds"),
    };
  }

  /** One event, at a random dispatcher. */
  async publish(topic: Topic, durable = false): Promise<PublishedNumber> {
    const { dispatchers, cluster } = this;
    const number = ++this.#number;
    const url = dispatchers[Math.floor(Math.random() * dispatchers.length)]?.url ?? "";
    const at = wallClock();
    const isAccepted = await fetch(`${url}/v1/publish`, {
      method: "POST",
      headers: { authorization: `Bearer ${cluster.token}`, "content-type": "application/json" },
      body: JSON.stringify({ topic, type: GROWTH_EVENT, durable, data: { n: number } }),
      signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS),
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    return { number, at, isAccepted };
  }

  /** The log, for events that are stored and not published. */
  log(): Promise<Log & LogKeeper> {
    this.#log ??= openLog({ url: this.cluster.postgres });
    return this.#log;
  }

  /** SIGTERM, and its start again when it has ended. */
  async restart({ name }: ClusterNode): Promise<void> {
    await this.cluster.command(`stop ${name}`);
    const said = await this.cluster.command(`start ${name}`);
    const [, pid] = /pid ([0-9]+)/.exec(said) ?? [];
    if (pid === undefined) throw new Error(`the cluster said ${said}`);
    this.#pids.set(name, Number(pid));
  }

  /** Connections to each dispatcher's internal listener. */
  connections(): readonly number[] {
    const established = [..."46"].flatMap((version) =>
      readFileSync(`/proc/net/tcp${version === "4" ? "" : "6"}`, "utf8").split("\n"),
    );
    return this.dispatchers.map(({ internalUrl }) => {
      const port = Number(new URL(internalUrl).port).toString(16).toUpperCase().padStart(4, "0");
      const line = new RegExp(`^ *[0-9]+: [0-9A-F]+:${port} [0-9A-F]+:[0-9A-F]{4} 01 `);
      return established.filter((text) => line.test(text)).length;
    });
  }

  async close(): Promise<void> {
    await this.fleet.stop();
    await Promise.allSettled([this.#log?.then((log) => log.close()), this.#postgres.close()]);
    await this.cluster.stop();
  }
}
