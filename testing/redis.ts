/**
 * Private Redis servers for tests: free ports of 127.0.0.1, temporary data, ended by `stop`.
 * Debian's `redis-server` must be installed; `redisMissing` says so where it is not.
 */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort, freePorts } from "./free-port.ts";
import { until } from "./until.ts";

/** One server process. */
export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** A plain client of it, for the test's own commands. */
  readonly client: Redis;
  /** SIGKILL; the port stays its own. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, empty, on the same port. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: the process stays, its replies stop. */
  pause(): void;
  resume(): void;
}

export interface RedisInstance {
  /** In the form of `--table`. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  stop(): Promise<void>;
}

/** The port of a cluster node's bus, from that of its clients. */
const BUS_DISTANCE = 10_000;

/** A process that ends without `stop` leaves no server behind. */
const running = new Set<Bun.Subprocess>();
const directories = new Set<string>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function startServer(
  directory: string,
  port: number,
  args: readonly string[],
  sentinelFile?: string,
): Promise<RedisServer & { stop(): Promise<void> }> {
  const command =
    sentinelFile === undefined
      ? [
          "redis-server",
          "--port",
          String(port),
          "--bind",
          "127.0.0.1",
          "--save",
          "",
          "--appendonly",
          "no",
          "--dir",
          directory,
          ...args,
        ]
      : ["redis-server", sentinelFile, "--sentinel"];
  const client = new Redis({
    port,
    host: "127.0.0.1",
    lazyConnect: true,
    retryStrategy: () => 50,
    disableClientInfo: true,
  });
  client.on("error", () => undefined);
  let child = spawn();

  function spawn() {
    const started = Bun.spawn(command, { stdout: "ignore", stderr: "ignore", stdin: "ignore" });
    running.add(started);
    void started.exited.then(() => running.delete(started));
    return started;
  }
  async function ready(): Promise<void> {
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    await until(
      async () => hasEnded() || (await client.ping()) === "PONG",
      `redis-server on ${port}`,
    );
    if (hasEnded())
      throw new Error(`redis-server on ${port} ended with ${child.exitCode ?? child.signalCode}`);
  }
  async function kill(): Promise<void> {
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await child.exited;
  }

  await ready();
  return {
    port,
    client,
    get pid() {
      return child.pid;
    },
    kill,
    async restart() {
      child = spawn();
      await ready();
    },
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    async stop() {
      client.disconnect();
      await kill();
    },
  };
}

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ovation-redis-"));
  directories.add(directory);
  return directory;
}

async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  directories.delete(directory);
}

export async function startRedis(
  args: readonly string[] = [],
): Promise<RedisInstance & { readonly server: RedisServer }> {
  const directory = await temporary();
  const port = await freePort();
  const server = await startServer(directory, port, args);
  return {
    url: `redis://127.0.0.1:${port}`,
    server,
    servers: [server],
    async stop() {
      await server.stop();
      await remove(directory);
    },
  };
}

/** Masters, or masters with one replica each, which take over in about `nodeTimeoutMs` × 2. */
export async function startRedisCluster(
  options: {
    readonly masters?: number;
    readonly replicas?: boolean;
    readonly nodeTimeoutMs?: number;
  } = {},
): Promise<RedisInstance> {
  const masters = options.masters ?? 3;
  const directory = await temporary();
  const count = options.replicas === true ? masters * 2 : masters;
  const ports = await freePorts(count, [BUS_DISTANCE]);
  const servers = await Promise.all(
    ports.map((port) =>
      startServer(directory, port, [
        "--cluster-enabled",
        "yes",
        "--cluster-config-file",
        `nodes-${port}.conf`,
        "--cluster-node-timeout",
        String(options.nodeTimeoutMs ?? 1500),
        "--cluster-require-full-coverage",
        "no",
        "--repl-diskless-sync-delay",
        "0",
      ]),
    ),
  );
  await assembleCluster(servers, masters);
  await until(async () => {
    const states = await Promise.all(servers.map((server) => server.client.cluster("INFO")));
    return states.every((state) => String(state).includes("cluster_state:ok"));
  }, "the cluster's state is ok everywhere");
  return {
    url: `redis+cluster://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
    servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await remove(directory);
    },
  };
}

/** As `redis-cli --cluster create`, without its seconds of waiting. */
async function assembleCluster(servers: readonly RedisServer[], masters: number): Promise<void> {
  const share = 16_384 / masters;
  await Promise.all(
    servers.map(async ({ client }, index) => {
      await client.cluster("SET-CONFIG-EPOCH", index + 1);
      if (index < masters)
        await client.cluster(
          "ADDSLOTSRANGE",
          Math.ceil(index * share),
          Math.ceil((index + 1) * share) - 1,
        );
      for (const other of servers) await client.cluster("MEET", "127.0.0.1", other.port);
    }),
  );
  for (const [index, { client }] of servers.slice(masters).entries()) {
    const id = String(await servers[index]!.client.cluster("MYID"));
    await until(
      async () => String(await client.cluster("NODES")).includes(id),
      "the replica knows its master",
    );
    await until(
      async () => (await client.cluster("REPLICATE", id)) === "OK",
      "the replica accepts its master",
    );
    // One that has never had its master's data does not take over from it.
    await until(
      async () => String(await client.info("replication")).includes("master_link_status:up"),
      "the replica follows",
    );
  }
}

/**
 * One master (`servers[0]`), one replica (`servers[1]`), and one Sentinel: with several, a split
 * vote now and then delays the failover by many seconds.
 */
export async function startRedisSentinel(): Promise<RedisInstance> {
  const directory = await temporary();
  const [master = 0, replica = 0, port = 0] = await freePorts(3);
  const servers = [
    await startServer(directory, master, ["--repl-diskless-sync-delay", "0"]),
    await startServer(directory, replica, ["--replicaof", "127.0.0.1", String(master)]),
  ];
  await until(
    async () =>
      String(await servers[1]!.client.info("replication")).includes("master_link_status:up"),
    "the replica follows",
  );
  const file = join(directory, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    `sentinel monitor mymaster 127.0.0.1 ${master} 1`,
    "sentinel down-after-milliseconds mymaster 1000",
    "sentinel failover-timeout mymaster 4000",
    // It would discover this from the master within some seconds.
    `sentinel known-replica mymaster 127.0.0.1 ${replica}`,
  ];
  await Bun.write(file, `${lines.join("\n")}\n`);
  const sentinel = await startServer(directory, port, [], file);
  await until(async () => {
    const state = JSON.stringify(await sentinel.client.call("SENTINEL", "REPLICAS", "mymaster"));
    return (
      state.includes('"master-link-status","ok"') || state.includes('"master-link-status":"ok"')
    );
  }, "the sentinel knows that the replica can take over");
  return {
    url: `redis+sentinel://127.0.0.1:${port}/mymaster`,
    servers,
    async stop() {
      await Promise.all([sentinel, ...servers].map((server) => server.stop()));
      await remove(directory);
    },
  };
}
