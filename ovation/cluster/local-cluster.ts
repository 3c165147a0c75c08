/**
 * A whole cluster on this machine, as real processes: data centres, each with dispatchers,
 * frontends and comments processes over a Redis of its own, and one PostgreSQL. For
 * `npm run cluster`, for the tests that kill processes, and for benchmarks.
 *
 * Every process can be killed, paused, continued and restarted by name (`east/frontend-1`). The
 * link between data centres consists of TCP proxies that can delay, throttle and cut.
 */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort, freePorts } from "../../testing/free-port.ts";
import { findPostgres, startPostgres, type TestPostgres } from "../../testing/postgres.ts";
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
   * The port at which `from`, a process, finds what listens on `port`. `to`: a process, `redis` or
   * `postgres`. All dispatchers use one URL of a frontend: their `from` is `NAME/dispatchers`. Not
   * for a Redis Cluster, whose nodes name each other. Default: `port`.
   */
  routeOf?(from: string, to: string, port: number): Promise<number>;
  /** PostgreSQL keeps `pg_stat_statements`, where it is installed (Debian: `postgresql`). */
  readonly countStatements?: boolean;
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
  /** Through which the others reach this one. */
  readonly links: readonly TcpProxy[];
}

export interface LocalCluster {
  readonly secret: string;
  /** Of calls between the processes. */
  readonly internalSecret: string;
  readonly postgres: TestPostgres;
  readonly datacenters: readonly Datacenter[];
  readonly processes: ReadonlyMap<string, ClusterProcess>;
  /** Between the data centres. */
  readonly link: DatacenterLink;
  stop(): Promise<void>;
}

const DATACENTERS = ["east", "west"];
/** A drain for clients on other machines takes longer. */
const DRAIN_SECONDS = "1";
const COUNTED_STATEMENTS = { shared_preload_libraries: "pg_stat_statements" };
const LEARN_NOTHING = ["--learn-dispatchers", "off"];

export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const names = options.datacenters ?? DATACENTERS;
  const [postgres, ...redis] = await Promise.all([
    startPostgres(postgresSettings(options), [], options.postgresEnvironment),
    ...names.map(() => (options.redis === "cluster" ? startRedisCluster() : startRedis())),
  ] as const);
  const database = (await options.databaseOf?.(postgres.url)) ?? postgres.url;
  // The ports of all dispatchers are known before any starts, so that each can name its peers.
  const perDatacenter = options.dispatchers ?? 2;
  const ports = await freePorts(names.length * perDatacenter);
  const portsOf = new Map(
    names.map((name, index) => [
      name,
      ports.slice(index * perDatacenter, (index + 1) * perDatacenter),
    ]),
  );
  const link = await startDatacenterLink(portsOf, options.link);
  const launcher = new ProcessLauncher(options);
  const { secret, internalSecret, processes } = launcher;

  async function stop(): Promise<void> {
    // Frontends and comments unregister at a dispatcher: they stop before it.
    const all = [...processes.values()];
    await Promise.all(all.filter(({ role }) => role !== "dispatcher").map((one) => one.stop()));
    await Promise.all(all.map((one) => one.stop()));
    await Promise.all([link.stop(), postgres.stop(), ...redis.map((store) => store.stop())]);
  }

  try {
    const datacenters = await Promise.all(
      names.map((name, index) => {
        const store = redis[index];
        if (store === undefined) throw new Error(`no Redis for ${name}`);
        const peers = names.filter((other) => other !== name);
        return startDatacenter(
          { name, redis: store, database, ports: portsOf.get(name) ?? [], peers, link },
          options,
          launcher,
        );
      }),
    );
    return { secret, internalSecret, postgres, datacenters, processes, link, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a data centre is started with. */
interface DatacenterPlan {
  readonly name: string;
  readonly redis: RedisInstance;
  readonly database: string;
  /** Of its dispatchers. */
  readonly ports: readonly number[];
  readonly peers: readonly string[];
  readonly link: DatacenterLink;
}

async function startDatacenter(
  { name, redis, database, ports, peers, link }: DatacenterPlan,
  {
    frontends: frontendCount = 2,
    comments: commentsCount = 1,
    namedDispatchers,
  }: LocalClusterOptions,
  launcher: ProcessLauncher,
): Promise<Datacenter> {
  const peerFlags = peers.flatMap((peer) => ["--peer", `${peer}=${link.urlsOf(peer).join(",")}`]);
  const storesOf = async (from: string) => [
    ...["--table", await launcher.route(from, "redis", redis.url)],
    ...["--database", await launcher.route(from, "postgres", database)],
  ];
  const dispatchers = await Promise.all(
    ports.map(async (port, number) => {
      const own = `${name}/dispatcher-${number}`;
      const ownFlags = ["--datacenter", name, "--internal-port", String(port), ...peerFlags];
      return launcher.launch(own, "dispatcher", [...(await storesOf(own)), ...ownFlags]);
    }),
  );
  const dispatchersOf = async (from: string) => {
    const named = dispatchers.slice(0, namedDispatchers);
    const urls = named.map((one) => launcher.route(from, one.name, one.internalUrl));
    return (await Promise.all(urls)).flatMap((url) => ["--dispatcher", url]);
  };
  const frontends = await Promise.all(
    range(frontendCount).map(async (number) => {
      const own = `${name}/frontend-${number}`;
      const flags = [...(await dispatchersOf(own)), ...(await launcher.internalFlagsOf(own))];
      return launcher.launch(own, "frontend", flags);
    }),
  );
  const comments = await Promise.all(
    range(commentsCount).map(async (number) => {
      const own = `${name}/comments-${number}`;
      const flags = [...(await dispatchersOf(own)), ...(await storesOf(own))];
      return launcher.launch(own, "comments", flags);
    }),
  );
  return { name, redis, frontends, dispatchers, comments, links: link.proxiesOf(name) };
}

/** Starts the processes, with the flags and secrets that all share, over the configured routes. */
class ProcessLauncher {
  readonly secret = randomBytes(32).toString("base64url");
  readonly processes = new Map<string, ClusterProcess>();
  readonly internalSecret = randomBytes(32).toString("base64url");
  readonly #options: LocalClusterOptions;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  async launch(name: string, role: string, flags: readonly string[]): Promise<ClusterProcess> {
    const { logLevel = "warn", rateLimits = "on", routeOf } = this.#options;
    const started = await startProcess({
      name,
      role,
      flags: [
        ...[...flags, "--log-level", logLevel],
        ...(role === "dispatcher" ? [] : ["--rate-limits", rateLimits]),
        ...(role === "frontend" ? ["--drain-seconds", DRAIN_SECONDS] : []),
        // The URL that a dispatcher registers leads past the routes.
        ...(routeOf === undefined || role === "dispatcher" ? [] : LEARN_NOTHING),
      ],
      environment: {
        OVATION_SECRET: this.secret,
        OVATION_INTERNAL_SECRET: this.internalSecret,
        ...this.#options.environmentOf?.(name),
      },
      internal: role !== "comments",
      onLine: (line) => this.#options.onLine?.(name, line),
      onEnd: (how) => this.#options.onEnd?.(name, how),
    });
    this.processes.set(name, started);
    return started;
  }

  /** The URL at which a process finds what listens at `url`. */
  async route(from: string, to: string, url: string): Promise<string> {
    if (this.#options.routeOf === undefined) return url;
    const routed = new URL(url);
    routed.port = String(await this.#options.routeOf(from, to, Number(routed.port)));
    return routed.href;
  }

  /** Where dispatchers call a frontend. */
  async internalFlagsOf(frontend: string): Promise<readonly string[]> {
    if (this.#options.routeOf === undefined) return [];
    const port = await freePort();
    const from = `${frontend.split("/")[0]}/dispatchers`;
    const url = await this.route(from, frontend, `http://127.0.0.1:${port}`);
    return ["--internal-port", String(port), "--internal-url", url];
  }
}

function postgresSettings({ countStatements = false }: LocalClusterOptions) {
  const counted = countStatements && canCountStatements() ? COUNTED_STATEMENTS : {};
  return { max_connections: "200", ...counted };
}

/** In Debian's and PostgreSQL's own places for its libraries. */
function canCountStatements(): boolean {
  const places = ["../lib", "../lib/postgresql"].map((place) => join(findPostgres(), place));
  return places.some((place) => existsSync(join(place, "pg_stat_statements.so")));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
