/**
 * A whole cluster on this machine, as real processes: data centres, each with dispatchers,
 * frontends and comments processes over a Redis of its own, and one PostgreSQL. For trying it out
 * (`npm run cluster`), for the tests that kill its parts, and for benchmarks.
 *
 * Every process can be killed, stopped, continued and started again by name (`east/frontend-1`).
 * Between data centres lies a link of TCP proxies that can delay, throttle and cut.
 */

import { randomBytes } from "node:crypto";
import { freePort, freePorts } from "../../testing/free-port.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { type RedisInstance, startRedis, startRedisCluster } from "../../testing/redis.ts";
import type { LinkConditions, TcpProxy } from "../../testing/tcp-proxy.ts";
import { type ClusterProcess, startProcess } from "./cluster-process.ts";
import { type DatacenterLink, startDatacenterLink } from "./datacenter-link.ts";

export interface LocalClusterOptions {
  readonly datacenters?: readonly string[];
  readonly dispatchers?: number;
  /** How many of them the command lines of the others name. Default: all. */
  readonly namedDispatchers?: number;
  readonly frontends?: number;
  readonly comments?: number;
  /** Between data centres, in each direction. */
  readonly link?: Partial<LinkConditions>;
  readonly redis?: "single" | "cluster";
  /** Where the processes find the database, given PostgreSQL's own URL. Default: that URL. */
  databaseOf?(url: string): Promise<string>;
  /**
   * The port at which a process finds what listens on `port`. Default: that port. `from` is a
   * process, `to` a process or `redis` or `postgres`. A frontend's dispatchers all use one address
   * of it: their `from` is `NAME/dispatchers`. Not for a Redis Cluster, whose nodes name each
   * other.
   */
  routeOf?(from: string, to: string, port: number): Promise<number>;
  /** For PostgreSQL. */
  postgresEnvironment?: Readonly<Record<string, string>>;
  /** Appended to every process's command line. */
  readonly rateLimits?: "on" | "off";
  readonly logLevel?: string;
  /** More environment for a process, by its name. */
  environmentOf?(name: string): Readonly<Record<string, string>>;
  /** Lines that the processes write to standard error. */
  onLine?(process: string, line: string): void;
  /** A process has ended: with this code, or by this signal. */
  onEnd?(process: string, how: number | string): void;
}

export interface Datacenter {
  readonly name: string;
  readonly redis: RedisInstance;
  readonly frontends: readonly ClusterProcess[];
  readonly dispatchers: readonly ClusterProcess[];
  readonly comments: readonly ClusterProcess[];
  /** What the others reach this one through. */
  readonly links: readonly TcpProxy[];
}

export interface LocalCluster {
  readonly secret: string;
  readonly postgres: TestPostgres;
  readonly datacenters: readonly Datacenter[];
  readonly processes: ReadonlyMap<string, ClusterProcess>;
  /** Between the data centres. */
  readonly link: DatacenterLink;
  stop(): Promise<void>;
}

/** Nobody on this machine has to be let go slowly. */
const DRAIN_SECONDS = "1";
const LEARN_NOTHING = ["--learn-dispatchers", "off"];

export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const names = options.datacenters ?? ["east", "west"];
  const counts = {
    dispatchers: options.dispatchers ?? 2,
    frontends: options.frontends ?? 2,
    comments: options.comments ?? 1,
  };
  const secret = randomBytes(32).toString("base64url");
  const internalSecret = randomBytes(32).toString("base64url");
  const environment = { OVATION_SECRET: secret, OVATION_INTERNAL_SECRET: internalSecret };
  const processes = new Map<string, ClusterProcess>();
  const [postgres, ...redis] = await Promise.all([
    startPostgres({ max_connections: "200" }, [], options.postgresEnvironment),
    ...names.map(() => (options.redis === "cluster" ? startRedisCluster() : startRedis())),
  ] as const);

  const launch = async (
    name: string,
    role: string,
    flags: readonly string[],
    internal: boolean,
  ): Promise<ClusterProcess> => {
    const all = [
      ...flags,
      "--log-level",
      options.logLevel ?? "warn",
      ...(role === "dispatcher" ? [] : ["--rate-limits", options.rateLimits ?? "on"]),
      ...(role === "frontend" ? ["--drain-seconds", DRAIN_SECONDS] : []),
      // An address that a dispatcher registers leads past the routes.
      ...(options.routeOf === undefined || role === "dispatcher" ? [] : LEARN_NOTHING),
    ];
    const started = await startProcess({
      name,
      role,
      flags: all,
      environment: { ...environment, ...options.environmentOf?.(name) },
      internal,
      onLine: (line) => options.onLine?.(name, line),
      onEnd: (how) => options.onEnd?.(name, how),
    });
    processes.set(name, started);
    return started;
  };

  const route = async (from: string, to: string, url: string): Promise<string> => {
    if (options.routeOf === undefined) return url;
    const address = new URL(url);
    address.port = String(await options.routeOf(from, to, Number(address.port)));
    return address.href;
  };

  const database = (await options.databaseOf?.(postgres.url)) ?? postgres.url;
  // The ports of all dispatchers are known before any starts, so that each can name its peers.
  const ports = await freePorts(names.length * counts.dispatchers);
  const portsOf = (index: number) =>
    ports.slice(index * counts.dispatchers, (index + 1) * counts.dispatchers);
  const link = await startDatacenterLink(
    new Map(names.map((name, index) => [name, portsOf(index)])),
    options.link,
  );
  const startDatacenter = async (name: string, index: number): Promise<Datacenter> => {
    const store = redis[index];
    if (store === undefined) throw new Error(`no Redis for ${name}`);
    const peers = names
      .filter((other) => other !== name)
      .map((other) => `${other}=${link.urlsOf(other).join(",")}`);
    const storesOf = async (from: string) => [
      ...["--table", await route(from, "redis", store.url)],
      ...["--database", await route(from, "postgres", database)],
    ];
    const dispatchers = await Promise.all(
      portsOf(index).map(async (port, number) => {
        const own = `${name}/dispatcher-${number}`;
        const flags = [
          ...(await storesOf(own)),
          ...["--datacenter", name, "--internal-port", String(port)],
          ...peers.flatMap((peer) => ["--peer", peer]),
        ];
        return launch(own, "dispatcher", flags, true);
      }),
    );
    const knownTo = async (from: string) => {
      const named = dispatchers.slice(0, options.namedDispatchers);
      const urls = named.map((one) => route(from, one.name, one.internalUrl));
      return (await Promise.all(urls)).flatMap((url) => ["--dispatcher", url]);
    };
    const frontends = await Promise.all(
      range(counts.frontends).map(async (n) => {
        const own = `${name}/frontend-${n}`;
        return launch(own, "frontend", [...(await knownTo(own)), ...(await reachedAt(own))], true);
      }),
    );
    const comments = await Promise.all(
      range(counts.comments).map(async (n) => {
        const own = `${name}/comments-${n}`;
        const flags = [...(await knownTo(own)), ...(await storesOf(own))];
        return launch(own, "comments", flags, false);
      }),
    );
    return { name, redis: store, frontends, dispatchers, comments, links: link.proxiesOf(name) };
  };

  /** Where dispatchers call a frontend. */
  async function reachedAt(frontend: string): Promise<readonly string[]> {
    if (options.routeOf === undefined) return [];
    const port = await freePort();
    const from = `${frontend.split("/")[0]}/dispatchers`;
    const url = await route(from, frontend, `http://127.0.0.1:${port}`);
    return ["--internal-port", String(port), "--internal-url", url];
  }

  async function stop(): Promise<void> {
    // Those who say goodbye at a dispatcher before the dispatchers.
    const all = [...processes.values()];
    await Promise.all(all.filter(({ role }) => role !== "dispatcher").map((one) => one.stop()));
    await Promise.all(all.map((one) => one.stop()));
    await Promise.all([link.stop(), postgres.stop(), ...redis.map((store) => store.stop())]);
  }

  let datacenters: readonly Datacenter[];
  try {
    datacenters = await Promise.all(names.map(startDatacenter));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    secret,
    postgres,
    datacenters,
    processes,
    link,
    stop,
  };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
