/** The Redis of a cluster that is measured, so that a benchmark can empty it, kill it and bring it back: by Debian's `redis-server`. */

const POLL_MS = 10;
const READY_MS_MAX = 20_000;

export interface RedisNode {
  readonly port: number;
  /** Any command. */
  send(command: string, ...parameters: string[]): Promise<unknown>;
  /** SIGKILL; resolves when nothing listens any more. */
  kill(): Promise<void>;
  /** Empty, at the same port; of `stopStarted` is told below. */
  restart(): Promise<void>;
}

const started = new Set<Bun.Subprocess>();
process.once("exit", stopStarted);

/** Servers that this process has started end with it, or here. */
export function stopStarted(): void {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
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
    return new Bun.RedisClient(`redis://127.0.0.1:${port}`, { autoReconnect: false, connectionTimeout: 1000 });
  }

  /** A connection that has ended does not come back by itself: the next command has a new one. */
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

/** With nothing on disk. */
export function startRedisServer(port: number, flags: readonly string[] = []): void {
  const command = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"];
  started.add(Bun.spawn([...command, ...flags], { stdio: ["ignore", "ignore", "ignore"] }));
}

async function whenThere(send: RedisNode["send"]): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  while (!(await isThere(send))) {
    if (performance.now() > until) throw new Error("redis-server did not start");
    await Bun.sleep(POLL_MS);
  }
}

async function isThere(send: RedisNode["send"]): Promise<boolean> {
  try {
    return (await send("PING")) === "PONG";
  } catch {
    return false;
  }
}
