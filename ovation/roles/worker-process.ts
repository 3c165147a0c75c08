/** One worker process as the core sees it: spawned, loaded, listening, asked for metrics, ended. */

import { join } from "node:path";
import type { Clock } from "@ovation/protocol";
import {
  type FromWorker,
  type Metrics,
  type OwnSettings,
  type ToWorker,
  WORKER_SETTINGS_VARIABLE,
  type WorkerRenewal,
  type WorkerSettings,
} from "./worker-messages.ts";

export const READY_MS_MAX = 20_000;
export const METRICS_MS_MAX = 1000;

type Child = Pick<Bun.Subprocess, "send" | "kill" | "exited" | "exitCode" | "signalCode">;

interface ChildEvents {
  onMessage(message: FromWorker): void;
  /** `how` is the signal or the exit code. */
  onExit(how: unknown): void;
}

export interface WorkerProcessOptions {
  readonly index: number;
  readonly settings: WorkerSettings;
  readonly clock: Clock;
  /** The pause before a successor, if this process ends early. */
  readonly restartMs: number;
  onExit(worker: WorkerProcess, how: unknown): void;
  readonly spawn?: (settings: OwnSettings, events: ChildEvents) => Child;
}

export class WorkerProcess {
  readonly startedAt: number;
  restartMs: number;
  /** As the process last reported them. */
  lastMetrics: Metrics = [];
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #listening = Promise.withResolvers<number>();
  #awaitingMetrics: ((metrics: Metrics) => void)[] = [];

  constructor(options: WorkerProcessOptions) {
    const { index, settings, clock, restartMs, spawn = spawnWorker } = options;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.restartMs = restartMs;
    // A rejection that no caller awaits is handled by the restart.
    this.#loaded.promise.catch(() => {});
    this.#listening.promise.catch(() => {});
    const cancelOverdue = clock.after(READY_MS_MAX, () => {
      this.#loaded.reject(new Error(`worker ${index} was not ready in time`));
      // Its successor would otherwise run beside a hung process.
      this.kill("SIGKILL");
    });
    this.#child = spawn(
      { ...settings, worker: index },
      {
        onMessage: (message) => {
          if (message.type === "loaded") {
            cancelOverdue();
            this.#loaded.resolve();
          } else if (message.type === "listening") this.#listening.resolve(message.port);
          else this.#takeMetrics(message.metrics);
        },
        onExit: (how) => {
          cancelOverdue();
          this.#takeMetrics(this.lastMetrics);
          const error = new Error(`worker ${index} ended before it was ready (${how})`);
          this.#loaded.reject(error);
          this.#listening.reject(error);
          options.onExit(this, how);
        },
      },
    );
  }

  /** Resolves when the process has loaded all that it needs; it does not listen yet. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  get exited(): Promise<unknown> {
    return this.#child.exited;
  }

  /** The signal or the exit code of a process that has ended. */
  get exitedBy(): unknown {
    return this.#child.signalCode ?? this.#child.exitCode ?? undefined;
  }

  /** Resolves with the port; 0 takes a free one. */
  listen(port: number): Promise<number> {
    this.#send({ type: "listen", port });
    return this.#listening.promise;
  }

  serve(): void {
    this.#send({ type: "serve" });
  }

  renew(settings: WorkerRenewal): void {
    this.#send({ type: "renew", settings });
  }

  /** The current metrics; the last ones where the process does not answer. */
  metrics(): Promise<Metrics> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(METRICS_MS_MAX, () => resolve(this.lastMetrics));
      this.#awaitingMetrics.push((metrics) => {
        cancel();
        resolve(metrics);
      });
      if (!this.#send({ type: "metrics?" })) this.#takeMetrics(this.lastMetrics);
    });
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#child.kill(signal);
  }

  #takeMetrics(metrics: Metrics): void {
    this.lastMetrics = metrics;
    const waiting = this.#awaitingMetrics;
    this.#awaitingMetrics = [];
    for (const resolve of waiting) resolve(metrics);
  }

  /** False where the process is ending: `onExit` reports it. */
  #send(message: ToWorker): boolean {
    try {
      this.#child.send(message);
      return true;
    } catch {
      return false;
    }
  }
}

function spawnWorker(settings: OwnSettings, { onMessage, onExit }: ChildEvents): Child {
  return Bun.spawn([process.execPath, join(import.meta.dir, "worker.ts")], {
    env: { ...process.env, [WORKER_SETTINGS_VARIABLE]: JSON.stringify(settings) },
    stdio: ["ignore", "inherit", "inherit"],
    serialization: "json",
    ipc: (message: FromWorker) => onMessage(message),
    onExit: (_, code, signal) => onExit(signal ?? code),
  });
}
