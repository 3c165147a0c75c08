/** One process of a local cluster: it keeps its ports and its command line over restarts. */

import { join } from "node:path";
import { type Clock, systemClock } from "@ovation/protocol";
import { freePorts } from "../../testing/free-port.ts";

export interface ClusterProcess {
  readonly name: string;
  readonly role: string;
  /** The public listener. */
  readonly url: string;
  readonly internalUrl: string;
  readonly pid: number;
  readonly running: boolean;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: it stays, its answers stop. */
  pause(): void;
  resume(): void;
  /** Starts it again after a kill, on the same ports; resolves when it is ready, or at once. */
  restart(how?: "until-ready" | "at-once"): Promise<void>;
  /** Resolves when it answers `readyz`; rejects where it ended or takes too long. */
  ready(): Promise<void>;
  /** SIGTERM, as a supervisor sends it: SIGKILL follows where the process takes too long. */
  terminate(): Promise<Termination>;
  /** Continues a paused process, terminates it, and answers the exit code. */
  stop(): Promise<number>;
}

export interface Termination {
  /** 137 where SIGKILL was needed. */
  readonly code: number;
  readonly tookMs: number;
}

export interface ClusterProcessOptions {
  readonly name: string;
  readonly role: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the role has an internal listener. */
  readonly internal: boolean;
  onLine?(line: string): void;
  /** It has ended: with this code, or by this signal. */
  onEnd?(how: number | string): void;
  /** The program, if it is not the `ovation` command. */
  readonly program?: string;
  /** What waits are measured by. */
  readonly clock?: Clock;
}

/** How long a start waits for `readyz`. */
export const READY_MS_MAX = 30_000;
/** As `TimeoutStopSec` in `deploy/systemd/`. */
export const STOP_MS_MAX = 20_000;
const POLL_MS = 25;

export async function startProcess(
  options: ClusterProcessOptions,
  how: "until-ready" | "at-once" = "until-ready",
): Promise<ClusterProcess> {
  const [port = 0, internal = 0] = await freePorts(2);
  const given = options.flags.indexOf("--internal-port");
  const internalPort = given < 0 ? internal : Number(options.flags[given + 1]);
  const ports = [
    "--port",
    String(port),
    ...(options.internal && given < 0 ? ["--internal-port", String(internalPort)] : []),
  ];
  const clock = options.clock ?? systemClock;
  const url = `http://127.0.0.1:${port}`;
  let child = spawn();

  function spawn(): Bun.Subprocess<"ignore", "ignore", "pipe"> {
    const spawned = Bun.spawn(
      [
        process.execPath,
        options.program ?? join(import.meta.dir, "..", "main.ts"),
        options.role,
        ...ports,
        ...options.flags,
      ],
      {
        env: { ...process.env, ...options.environment },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    void readLines(spawned.stderr, (line) => options.onLine?.(line));
    void spawned.exited.then((code) => options.onEnd?.(spawned.signalCode ?? code));
    return spawned;
  }

  async function ready(): Promise<void> {
    const deadline = clock.now() + READY_MS_MAX;
    while (!(await answers(`${url}/readyz`))) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(
          `${options.name} ended with ${child.exitCode ?? child.signalCode} before it was ready`,
        );
      }
      if (clock.now() > deadline) throw new Error(`${options.name} was not ready in time`);
      await Bun.sleep(POLL_MS);
    }
  }

  async function terminate(): Promise<Termination> {
    const from = performance.now();
    const terminated = child;
    terminated.kill("SIGTERM");
    const cancel = clock.after(STOP_MS_MAX, () => terminated.kill("SIGKILL"));
    const code = await terminated.exited;
    cancel();
    return { code, tookMs: performance.now() - from };
  }

  // Its parent may end without stopping it; only `kill -9` of the parent leaves it behind.
  const end = (): void => child.kill("SIGKILL");
  process.once("exit", end);
  try {
    if (how === "until-ready") await ready();
  } catch (error) {
    end();
    process.off("exit", end);
    throw error;
  }
  return {
    name: options.name,
    role: options.role,
    url,
    internalUrl: `http://127.0.0.1:${internalPort}`,
    get pid() {
      return child.pid;
    },
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    async restart(then = "until-ready") {
      child = spawn();
      process.off("exit", end);
      process.once("exit", end);
      if (then === "until-ready") await ready();
    },
    ready,
    terminate,
    async stop() {
      child.kill("SIGCONT");
      const { code } = await terminate();
      process.off("exit", end);
      return code;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    // Not listening yet, or paused: asked again.
    return false;
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  }
}
