/**
 * A cluster of roles for benchmarks: `ovation/cluster/main.ts --control` as a process, with
 * everything that it starts.
 */
import { fileURLToPath } from "node:url";
import { processTree } from "./process-figures.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface ClusterOptions {
  readonly datacenters?: 1 | 2;
  readonly dispatchers?: number;
  readonly frontends?: number;
  readonly comments?: number;
  /** Between the data centres, one way, ms. */
  readonly delayMs?: number;
  /** What dispatchers forward to the other data centre. Default: their own. */
  readonly forward?: "all" | "wanted";
  /** Default: one server. */
  readonly redis?: "single" | "cluster";
  /** PostgreSQL keeps `pg_stat_statements`, where it is installed. */
  readonly countStatements?: boolean;
  /** The log level to show of the processes. Default: warnings. */
  readonly logLevel?: "warn" | "error";
  /** Of all processes. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ClusterNode {
  /** `east/frontend-0` */
  readonly name: string;
  readonly role: string;
  readonly url: string;
  /** Of dispatchers and frontends. */
  readonly internalUrl: string;
  readonly pid: number;
}

export interface BenchCluster {
  /** May publish and comment everywhere, without rate limits. */
  readonly token: string;
  /** Signs calls between the processes. */
  readonly internalSecret: string;
  readonly processes: readonly ClusterNode[];
  /** Those of a role, in one data centre. */
  of(role: string, datacenter?: string): readonly ClusterNode[];
  /** The URL of a data centre's table. */
  redis(datacenter: string): string;
  readonly postgres: string;
  /** Bytes that the processes have written to standard error. */
  logBytes(): number;
  /**
   * A command to the cluster (`cut`, `delay 100`, `stop east/dispatcher-0`: see
   * `ovation/cluster/cluster-commands.ts`); resolves with what was done.
   */
  command(line: string): Promise<string>;
  /** All processes, Redis and PostgreSQL included. */
  pids(): number[];
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<BenchCluster> {
  const flags = [
    ...[
      "--datacenters",
      String(options.datacenters ?? 1),
      "--dispatchers",
      String(options.dispatchers ?? 1),
    ],
    ...["--frontends", String(options.frontends ?? 1), "--comments", String(options.comments ?? 1)],
    ...["--delay", String(options.delayMs ?? 0), "--redis", options.redis ?? "single"],
    ...["--log-level", options.logLevel ?? "warn"],
    ...(options.countStatements === true ? ["--count-statements"] : []),
  ];
  const command = [process.execPath, "ovation/cluster/main.ts", "--control", ...flags];
  const env = {
    ...process.env,
    ...options.environment,
    ...(options.forward === undefined ? {} : { OVATION_FORWARD: options.forward }),
  };
  const child = Bun.spawn(command, { cwd: ROOT, env, stdio: ["pipe", "pipe", "pipe"] });
  let logBytes = 0;
  void passOn(child.stderr, (bytes) => {
    logBytes += bytes;
  });
  const lines = readLines(child.stdout);
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the cluster ended: its output is above");
    return value;
  };
  const started = JSON.parse(await nextLine()) as Started;
  const { secret, internalSecret, redis, postgres, processes } = started;
  const token = await signToken(secret);
  return {
    token,
    internalSecret,
    processes,
    of: (role, datacenter = "east") =>
      processes.filter((one) => one.role === role && one.name.startsWith(`${datacenter}/`)),
    postgres,
    logBytes: () => logBytes,
    redis: (datacenter) => redis[datacenter] ?? "",
    async command(line) {
      child.stdin.write(`${line}\n`);
      await child.stdin.flush();
      const { ok, said } = JSON.parse(await nextLine()) as {
        readonly ok: boolean;
        readonly said: string;
      };
      if (!ok) throw new Error(said);
      return said;
    },
    pids: () => processTree(child.pid),
    async stop() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

interface Started {
  readonly secret: string;
  readonly internalSecret: string;
  readonly redis: Readonly<Record<string, string>>;
  readonly postgres: string;
  readonly processes: readonly ClusterNode[];
}

/** The processes' output is shown, and counted. */
async function passOn(
  stream: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for await (const chunk of stream) {
    onBytes(chunk.byteLength);
    process.stderr.write(chunk);
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}

async function signToken(secret: string): Promise<string> {
  const command = [
    "sh",
    "ovation/bin/ovation",
    "token",
    "--sub",
    "load",
    "--publish",
    "*",
    "--subscribe",
    "*",
    "--role",
    "host",
  ];
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...process.env, OVATION_SECRET: secret },
    stdout: "pipe",
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).trim();
}
