/**
 * The servers that benchmarks measure: Ovation, the floor in C, the floor in Bun, nchan. Each
 * started on a free port with temporary data.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../testing/free-port.ts";
import { processTree } from "./process-figures.ts";

export interface BenchServer {
  readonly name: string;
  readonly url: string;
  /** Which adapter of the load generator drives it. */
  readonly target: string;
  /** Authorises publishing. */
  readonly token?: string;
  /** Its processes now. */
  pids(): number[];
  stop(): Promise<void>;
}

export interface OvationServer extends BenchServer {
  /** Where it keeps its data. */
  readonly directory: string;
  /** Bytes written to standard output and error. */
  logBytes(): number;
  /** How the process ended, with its last output; `undefined` while it runs. */
  ended(): string | undefined;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 10_000;
/** Of the output of a process that ended. */
const LAST_CHARACTERS = 2000;

export interface OvationOptions {
  readonly workers?: number;
  /** More flags of `ovation start`. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startOvation(options: OvationOptions = {}): Promise<OvationServer> {
  const port = await freePort();
  const env = {
    ...process.env,
    OVATION_SECRET: crypto.randomUUID() + crypto.randomUUID(),
    ...options.environment,
  };
  const token = await commandOutput(
    ["sh", "ovation/bin/ovation", "token", "--sub", "load", "--publish", "*", "--role", "host"],
    env,
  );
  const data = await mkdtemp(join(tmpdir(), "ovation-bench-"));
  const flags = [
    "--port",
    String(port),
    "--data",
    data,
    "--rate-limits",
    "off",
    "--workers",
    String(options.workers ?? 1),
  ];
  const server = await startProcess({
    name: "ovation",
    command: ["sh", "ovation/bin/ovation", "start", ...flags, ...(options.flags ?? [])],
    env,
    port,
    directory: data,
    ready: "/readyz",
  });
  return { ...server, target: "ovation", token, directory: data };
}

/** `send()` in a loop, in C, compiled on the spot. */
export async function startFloor(): Promise<BenchServer> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), "ovation-floor-"));
  const program = join(directory, "floor");
  await commandOutput(
    ["cc", "-O2", "-Wall", "-o", program, join(ROOT, "load/benchmarks/floor.c")],
    process.env,
  );
  const server = await startProcess({
    name: "C send() loop",
    command: [program, String(port)],
    env: process.env,
    port,
    directory,
    ready: "/readyz",
  });
  return { ...server, target: "ovation" };
}

/** A server of Bun's direct streams alone, as a floor for comparisons. */
export async function startReference(): Promise<BenchServer> {
  const port = await freePort();
  const command = [process.execPath, "load/testing/reference-server.ts", "--port", String(port)];
  const server = await startProcess({
    name: "bare Bun",
    command,
    env: process.env,
    port,
    directory: undefined,
    ready: "/readyz",
  });
  return { ...server, target: "ovation" };
}

const NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/**
 * nginx with nchan, both from Debian; `undefined` where they are not installed (`apt-get install
 * nginx libnginx-mod-nchan`).
 */
export async function startNchan(): Promise<BenchServer | undefined> {
  const nginx = Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin` });
  if (nginx === null || !existsSync(NCHAN_MODULE)) return undefined;
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), "ovation-nchan-"));
  await writeFile(join(directory, "nginx.conf"), nchanConfiguration(directory, port));
  const command = [nginx, "-p", directory, "-c", join(directory, "nginx.conf")];
  const server = await startProcess({
    name: "nginx + nchan",
    command,
    env: process.env,
    port,
    directory,
    ready: "/ready",
  });
  return { ...server, target: "nchan" };
}

function nchanConfiguration(directory: string, port: number): string {
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join(" ");
  return `${user} daemon off; worker_processes 1; worker_rlimit_nofile 20000;
load_module ${NCHAN_MODULE};
pid ${directory}/nginx.pid; error_log ${directory}/error.log warn;
events { worker_connections 19500; }
http {
  access_log off; ${temporary} keepalive_requests 1000000;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /ready { return 200 "ready"; }
    location /pub {
      nchan_publisher;
      nchan_channel_id $arg_id;
      nchan_message_buffer_length 100;
      nchan_message_timeout 60s;
    }
    location /sub {
      nchan_subscriber eventsource;
      nchan_channel_id $arg_id;
      nchan_channel_id_split_delimiter ",";
      nchan_subscriber_first_message newest;
    }
  }
}
`;
}

interface ProcessPlan {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly port: number;
  /** Removed at the end. */
  readonly directory: string | undefined;
  readonly ready: string;
}

async function startProcess(
  plan: ProcessPlan,
): Promise<Omit<OvationServer, "target" | "directory">> {
  const log: string[] = [];
  let logBytes = 0;
  const onBytes = (bytes: number) => {
    logBytes += bytes;
  };
  const subprocess = Bun.spawn([...plan.command], {
    cwd: ROOT,
    env: plan.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  void collect(subprocess.stdout, log, onBytes);
  void collect(subprocess.stderr, log, onBytes);
  const url = `http://127.0.0.1:${plan.port}`;
  const stop = async () => {
    subprocess.kill();
    const killer = setTimeout(() => subprocess.kill(9), STOP_MS_MAX);
    await subprocess.exited;
    clearTimeout(killer);
    if (plan.directory !== undefined) await rm(plan.directory, { recursive: true, force: true });
  };
  const untilMs = performance.now() + READY_MS_MAX;
  while (!(await answers(url + plan.ready))) {
    if (subprocess.exitCode !== null || performance.now() > untilMs) {
      await stop();
      throw new Error(`${plan.name} did not get ready:\n${log.join("").slice(-2000)}`);
    }
    await Bun.sleep(50);
  }
  return {
    name: plan.name,
    url,
    pids: () => processTree(subprocess.pid),
    logBytes: () => logBytes,
    ended() {
      const how = subprocess.signalCode ?? subprocess.exitCode;
      return how === null ? undefined : `${how}; ${log.join("").slice(-LAST_CHARACTERS)}`;
    },
    stop,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

const LOG_CHUNKS_MAX = 200;

async function collect(
  stream: ReadableStream<Uint8Array>,
  log: string[],
  onBytes: (bytes: number) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    onBytes(chunk.byteLength);
    log.push(decoder.decode(chunk, { stream: true }));
    if (log.length > LOG_CHUNKS_MAX) log.shift();
  }
}

async function commandOutput(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const subprocess = Bun.spawn([...command], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors, code] = await Promise.all([
    new Response(subprocess.stdout).text(),
    new Response(subprocess.stderr).text(),
    subprocess.exited,
  ]);
  if (code !== 0) throw new Error(`${command.slice(0, 3).join(" ")} failed:\n${errors}`);
  return out.trim();
}
