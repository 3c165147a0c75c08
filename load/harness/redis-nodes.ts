/**
 * The Redis of the measured cluster, so that a benchmark can flush, kill and restart it: Debian's
 * `redis-server`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../testing/until.ts";

const POLL_MS = 10;
const READY_MS_MAX = 20_000;

export interface RedisNode {
  readonly port: number;
  /** Any command. */
  send(command: string, ...parameters: string[]): Promise<unknown>;
  /** SIGKILL; resolves when nothing listens any more. */
  kill(): Promise<void>;
  /** Empty, at the same port. Ends with {@link stopStarted}. */
  restart(): Promise<void>;
}

const started = new Set<Bun.Subprocess>();
let made: string | undefined;

/** A node's record of its Cluster; created when the first server is started here. */
function directory(): string {
  made ??= mkdtempSync(join(tmpdir(), "ovation-redis-"));
  return made;
}
process.once("exit", stopStarted);

/** Ends the servers that this process has started; the last of them here. */
export function stopStarted(): void {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
  if (made !== undefined) rmSync(made, { recursive: true, force: true });
  made = undefined;
}

/**
 * A node of a Redis Cluster that replicates this master, and takes over when it dies. Resolves when
 * it is in sync.
 */
export async function startReplica(master: RedisNode, port: number): Promise<RedisNode> {
  const file = `nodes-${port}.conf`;
  startRedisServer(port, [
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    file,
    "--cluster-node-timeout",
    "1500",
  ]);
  const replica = redisNode(port);
  await whenThere(replica.send);
  const id = String(await master.send("CLUSTER", "MYID"));
  await replica.send("CLUSTER", "MEET", "127.0.0.1", String(master.port));
  await until(
    async () => String(await replica.send("CLUSTER", "NODES")).includes(id),
    "the replica knows its master",
  );
  await until(
    async () => (await replica.send("CLUSTER", "REPLICATE", id)) === "OK",
    "the replica accepts its master",
  );
  await until(
    async () => String(await replica.send("INFO", "replication")).includes("master_link_status:up"),
    "the replica has everything",
    READY_MS_MAX,
  );
  return replica;
}

/** Resolves when the node is a master and accepts writes. */
export async function whenPromoted(node: RedisNode): Promise<void> {
  await until(
    async () => {
      if (!String(await node.send("INFO", "replication")).includes("role:master")) return false;
      return String(await node.send("CLUSTER", "INFO")).includes("cluster_state:ok");
    },
    "the replica has taken over",
    READY_MS_MAX,
  );
}

/** `redis://host:port` or `redis+cluster://host:port,host:port`. */
export function redisNodes(url: string): readonly RedisNode[] {
  return url
    .slice(url.indexOf("//") + 2)
    .split(",")
    .map((host) => redisNode(Number(host.slice(host.indexOf(":") + 1))));
}

export function redisNode(port: number): RedisNode {
  let client = connect();

  function connect(): Bun.RedisClient {
    return new Bun.RedisClient(`redis://127.0.0.1:${port}`, {
      autoReconnect: false,
      connectionTimeout: 1000,
    });
  }

  /** A closed connection does not reconnect: the next command opens a new one. */
  async function send(command: string, ...parameters: string[]): Promise<unknown> {
    try {
      return await client.send(command, parameters);
    } catch (error) {
      if (!client.connected) {
        client.close();
        client = connect();
      }
      throw error;
    }
  }

  return {
    port,
    send,
    async kill() {
      const [, pid] = /process_id:([0-9]+)/.exec(String(await send("INFO", "server"))) ?? [];
      process.kill(Number(pid), "SIGKILL");
      while (await isThere(send)) await Bun.sleep(POLL_MS);
    },
    async restart() {
      startRedisServer(port);
      await whenThere(send);
    },
  };
}

/** Without persistence. */
export function startRedisServer(port: number, flags: readonly string[] = []): void {
  const command = [
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
    directory(),
  ];
  started.add(Bun.spawn([...command, ...flags], { stdio: ["ignore", "ignore", "ignore"] }));
}

async function whenThere(send: RedisNode["send"]): Promise<void> {
  await until(() => isThere(send), "redis-server answers", READY_MS_MAX);
}

async function isThere(send: RedisNode["send"]): Promise<boolean> {
  try {
    return (await send("PING")) === "PONG";
  } catch {
    return false;
  }
}
