/** One process of a local cluster. A restart keeps its ports and its command line. */

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
  /** SIGSTOP and SIGCONT: its sockets stay open, and it does not respond. */
  pause(): void;
  resume(): void;
  /** Starts it again after a kill, on the same ports; resolves when it is ready, or at once. */
  restart(how?: "until-ready" | "at-once"): Promise<void>;
  /** Resolves when `readyz` returns 200; rejects where the process ended or takes too long. */
  ready(): Promise<void>;
  /** SIGTERM, as a supervisor sends it: SIGKILL follows where the process takes too long. */
  terminate(): Promise<Termination>;
  /** Continues a paused process, terminates it, and returns the exit code. */
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
  /** The process has ended: with this code, or by this signal. */
  onEnd?(how: number | string): void;
  /** The program, if it is not the `ovation` command. */
  readonly program?: string;
  /** Measures all waits. */
  readonly clock?: Clock;
}

/** How long a start waits for `readyz`. */
export const READY_MS_MAX = 30_000;
/** As `TimeoutStopSec` in `deploy/systemd/`. */
export const STOP_MS_MAX = 20_000;
const POLL_MS = 25;

type StartMode = "until-ready" | "at-once";

export async function startProcess(
  options: ClusterProcessOptions,
  how: StartMode = "until-ready",
): Promise<ClusterProcess> {
  const [port = 0, free = 0] = await freePorts(2);
  const given = options.flags.indexOf("--internal-port");
  const internalPort = given < 0 ? free : Number(options.flags[given + 1]);
  const started = new LocalProcess(options, {
    port,
    internalPort,
    internalFlags: options.internal && given < 0 ? ["--internal-port", String(internalPort)] : [],
  });
  if (how === "until-ready") await started.readyOrEnd();
  return started;
}

interface ProcessPorts {
  readonly port: number;
  readonly internalPort: number;
  /** Where the flags do not name the internal port. */
  readonly internalFlags: readonly string[];
}

class LocalProcess implements ClusterProcess {
  readonly name: string;
  readonly role: string;
  readonly url: string;
  readonly internalUrl: string;
  readonly #options: ClusterProcessOptions;
  readonly #ports: ProcessPorts;
  readonly #clock: Clock;
  #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  /** The parent may end without stopping it; only `kill -9` of the parent leaves it behind. */
  readonly #end = (): void => this.#child.kill("SIGKILL");

  constructor(options: ClusterProcessOptions, ports: ProcessPorts) {
    this.name = options.name;
    this.role = options.role;
    this.url = `http://127.0.0.1:${ports.port}`;
    this.internalUrl = `http://127.0.0.1:${ports.internalPort}`;
    this.#options = options;
    this.#ports = ports;
    this.#clock = options.clock ?? systemClock;
    this.#child = this.#spawn();
    process.once("exit", this.#end);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async restart(how: StartMode = "until-ready"): Promise<void> {
    this.#child = this.#spawn();
    process.off("exit", this.#end);
    process.once("exit", this.#end);
    if (how === "until-ready") await this.ready();
  }

  async ready(): Promise<void> {
    const deadline = this.#clock.now() + READY_MS_MAX;
    while (!(await isReady(`${this.url}/readyz`))) {
      if (!this.running) {
        const end = this.#child.exitCode ?? this.#child.signalCode;
        throw new Error(`${this.name} ended with ${end} before it was ready`);
      }
      if (this.#clock.now() > deadline) throw new Error(`${this.name} was not ready in time`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** As `ready`; a process that is not ready is killed. */
  async readyOrEnd(): Promise<void> {
    try {
      await this.ready();
    } catch (error) {
      this.#end();
      process.off("exit", this.#end);
      throw error;
    }
  }

  async terminate(): Promise<Termination> {
    const from = performance.now();
    const terminated = this.#child;
    terminated.kill("SIGTERM");
    const cancel = this.#clock.after(STOP_MS_MAX, () => terminated.kill("SIGKILL"));
    const code = await terminated.exited;
    cancel();
    return { code, tookMs: performance.now() - from };
  }

  async stop(): Promise<number> {
    this.resume();
    const { code } = await this.terminate();
    process.off("exit", this.#end);
    return code;
  }

  #spawn(): Bun.Subprocess<"ignore", "ignore", "pipe"> {
    const { role, flags, environment, onLine, onEnd } = this.#options;
    const program = this.#options.program ?? join(import.meta.dir, "..", "main.ts");
    const ports = ["--port", String(this.#ports.port), ...this.#ports.internalFlags];
    const spawned = Bun.spawn([process.execPath, program, role, ...ports, ...flags], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    void readLines(spawned.stderr, (line) => onLine?.(line));
    void spawned.exited.then((code) => onEnd?.(spawned.signalCode ?? code));
    return spawned;
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    // Not listening yet, or paused.
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
