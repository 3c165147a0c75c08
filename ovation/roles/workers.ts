/** The worker processes: started, asked for their metrics, started anew when they die, drained together. */

import { join } from "node:path";
import type { AdmissionLimits } from "@ovation/frontend";
import type { Clock } from "@ovation/protocol";
import type { Logger } from "pino";
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from "prom-client";
import type { Renewed } from "../reload/reloads.ts";
import { clearRegion, type PoolsPlace } from "../shares/address-pools-mapped.ts";

/** What a worker has to know, over its environment: nothing of it is in its arguments. */
export interface WorkerSettings extends Omit<Renewed, "comments"> {
  /** 0: the first worker takes a free one, and the others that. */
  readonly port: number;
  readonly host: string;
  /** The core's internal listener. */
  readonly dispatcher: string;
  readonly internalSecret: string;
  /** The core's Unix socket, for what a worker does not serve. */
  readonly socket: string;
  /** Where the workers count what addresses hold. */
  readonly pools: PoolsPlace;
  readonly rateLimits: boolean;
  readonly zstd: boolean;
  readonly directSend: boolean;
  readonly drainMs: number;
  readonly heartbeatMs: number;
  readonly admission?: Partial<AdmissionLimits>;
  readonly lifetimeMs?: { readonly min: number; readonly max: number };
  readonly stuckMs?: number;
  readonly idleMs?: number;
  readonly logLevel: string;
  /** Files are read where the viewer's socket is: what is passed on is not. */
  readonly mediaDirectory?: string;
}

/** What differs from worker to worker. */
export interface OwnSettings extends WorkerSettings {
  /** Its number, from 0: its region of the pools. A successor has the same. */
  readonly worker: number;
}

export type Metrics = MetricObjectWithValues<MetricValue<string>>[];

export type FromWorker =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "metrics"; readonly metrics: Metrics };
export type ToWorker =
  | { readonly type: "listen"; readonly port: number }
  /** All listen: readiness may be told. */
  | { readonly type: "serve" }
  | { readonly type: "renew"; readonly settings: Omit<Renewed, "comments"> }
  | { readonly type: "metrics?" };

export interface Workers {
  /** The public port that they share. */
  readonly port: number;
  /** Of each worker, as it last said; what those counted that have died is in there: a total never falls. */
  metrics(): Promise<readonly Metrics[]>;
  /** These settings from now on, also for workers that are started later. */
  renew(settings: Omit<Renewed, "comments">): void;
  /** Drains all and waits for their end. */
  stop(): Promise<void>;
}

export interface WorkersOptions {
  readonly count: number;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
  readonly clock: Clock;
}

export const WORKER_SETTINGS_VARIABLE = "OVATION_WORKER_SETTINGS";
export const READY_MS_MAX = 20_000;
export const METRICS_MS_MAX = 1000;
/** A worker that dies at once is not started again at once. */
const RESTART_MS_FIRST = 100;
const RESTART_MS_LAST = 10_000;
/** At the start of all; later a worker is started again for as long as the server runs. */
export const START_ATTEMPTS_MAX = 5;
/** One that lived this long was well. */
const WELL_MS = 60_000;
/** Beyond its drain, a worker is given this long to end. */
const END_MS = 5000;

/** An operator's to mend: a sentence. */
export class WorkersUnstartableError extends Error {
  override readonly name = "WorkersUnstartableError";
}

interface Worker {
  process: Bun.Subprocess;
  startedAt: number;
  restartMs: number;
  listening: PromiseWithResolvers<number>;
  awaitingMetrics: ((metrics: Metrics) => void)[];
  /** As it last answered. */
  metrics: Metrics;
}

export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { count, logger, clock } = options;
  let { settings } = options;
  let stopping = false;
  let counted: Metrics = [];
  let workers: Worker[] = [];
  let { port } = settings;
  /** All listen: from now on a worker that dies is started again by `restart`. */
  let started = false;

  /** A worker that has loaded all it needs, and does not listen yet. */
  function load(index: number, restartMs: number): Promise<Worker> {
    return new Promise((resolve, reject) => {
      const overdue = clock.after(READY_MS_MAX, () => {
        reject(new Error(`worker ${index} was not ready in time`));
        // Another one is started in its place: a hung process would stay beside it.
        worker.process.kill("SIGKILL");
      });
      const worker: Worker = {
        startedAt: clock.now(),
        restartMs,
        listening: Promise.withResolvers(),
        awaitingMetrics: [],
        metrics: [],
        process: Bun.spawn([process.execPath, join(import.meta.dir, "worker.ts")], {
          env: {
            ...process.env,
            [WORKER_SETTINGS_VARIABLE]: JSON.stringify({
              ...settings,
              worker: index,
            } satisfies OwnSettings),
          },
          stdio: ["ignore", "inherit", "inherit"],
          serialization: "json",
          ipc(message: FromWorker) {
            if (message.type === "loaded") {
              overdue();
              resolve(worker);
            } else if (message.type === "listening") {
              worker.listening.resolve(message.port);
            } else {
              worker.metrics = message.metrics;
              for (const answer of worker.awaitingMetrics.splice(0)) answer(message.metrics);
            }
          },
          onExit(_, code, signal) {
            overdue();
            clearRegion(settings.pools, index);
            for (const answer of worker.awaitingMetrics.splice(0)) answer(worker.metrics);
            const error = new Error(
              `worker ${index} ended before it was ready (${signal ?? code})`,
            );
            reject(error);
            worker.listening.reject(error);
            const isServing = !stopping && started && workers[index] === worker;
            if (isServing) void restart(index, worker, signal ?? code);
          },
        }),
      };
      // Whoever waits for it is told; where nobody waits any more, the restart has seen to it.
      worker.listening.promise.catch(() => {});
    });
  }

  async function restart(index: number, died: Worker, how: unknown): Promise<void> {
    const wasWell = clock.now() - died.startedAt > WELL_MS;
    const waitMs = wasWell ? RESTART_MS_FIRST : died.restartMs;
    logger.error({ worker: index, how, restartInMs: waitMs }, "a worker died");
    const gone = died.metrics.filter(({ type }) => String(type) === "counter");
    died.metrics = [];
    counted = await AggregatorRegistry.aggregate([counted, gone]).getMetricsAsJSON();
    await new Promise<void>((resolve) => clock.after(waitMs, resolve));
    if (stopping) return;
    const next = Math.min(RESTART_MS_LAST, waitMs * 2);
    try {
      const worker = await load(index, next);
      workers[index] = worker;
      await listen(worker, port);
      tell(worker, { type: "serve" });
      logger.info({ worker: index }, "the worker is back");
    } catch (error) {
      logger.error({ error, worker: index }, "a worker could not be started");
      if (workers[index] !== died) return;
      died.restartMs = next;
      void restart(index, died, "not started");
    }
  }

  /** A worker that ends between loading and listening has a successor, which listens in its place. */
  async function listenAtStart(index: number, worker: Worker): Promise<number> {
    try {
      return await listen(worker, port);
    } catch {
      const next = await loadAtStart(index);
      workers[index] = next;
      return listen(next, port);
    }
  }

  /** A worker that ends before it was ready is started again; one that never gets there is said. */
  async function loadAtStart(index: number): Promise<Worker> {
    for (let attempt = 1, waitMs = RESTART_MS_FIRST; ; attempt++, waitMs *= 2) {
      try {
        return await load(index, RESTART_MS_FIRST);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (attempt === START_ATTEMPTS_MAX) {
          for (const worker of workers) worker?.process.kill("SIGKILL");
          throw new WorkersUnstartableError(
            `${why}, ${attempt} times. Its own log lines above say why; with --workers 1 there is none`,
          );
        }
        logger.warn({ worker: index, why, restartInMs: waitMs }, "starting the worker again");
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
    }
  }

  workers = await Promise.all(Array.from({ length: count }, (_, index) => loadAtStart(index)));
  const [first, ...others] = workers;
  if (first === undefined) throw new Error("no workers");
  // All have loaded before the first listens, and none says that it is ready before the last does.
  port = await listenAtStart(0, first);
  await Promise.all(others.map((worker, index) => listenAtStart(index + 1, worker)));
  for (const worker of workers) tell(worker, { type: "serve" });
  started = true;
  // A worker may have ended between its listening and now.
  for (const [index, worker] of workers.entries())
    if (worker.process.exitCode !== null || worker.process.signalCode !== null)
      void restart(index, worker, worker.process.signalCode ?? worker.process.exitCode);

  return {
    port,
    async metrics() {
      const asked = await Promise.all(workers.map((worker) => askMetrics(worker, clock)));
      return [counted, ...asked].filter((metrics) => metrics.length > 0);
    },
    renew(renewed) {
      const { corsOrigins: _, hosts: __, trustedProxies: ___, tokens: ____, ...kept } = settings;
      settings = { ...kept, ...renewed };
      for (const worker of workers) tell(worker, { type: "renew", settings: renewed });
    },
    async stop() {
      stopping = true;
      for (const worker of workers) worker.process.kill("SIGTERM");
      const overdue = clock.after(settings.drainMs + END_MS, () => {
        for (const worker of workers) worker.process.kill("SIGKILL");
      });
      await Promise.all(workers.map((worker) => worker.process.exited));
      overdue();
    },
  };
}

function listen(worker: Worker, port: number): Promise<number> {
  tell(worker, { type: "listen", port });
  return worker.listening.promise;
}

/** False where it is dying: `onExit` says so. */
function tell(worker: Pick<Worker, "process">, message: ToWorker): boolean {
  try {
    worker.process.send(message);
    return true;
  } catch {
    return false;
  }
}

/** What the worker counts now; where it does not answer, what it said last. */
export function askMetrics(
  worker: Pick<Worker, "process" | "metrics" | "awaitingMetrics">,
  clock: Clock,
): Promise<Metrics> {
  return new Promise((resolve) => {
    const cancel = clock.after(METRICS_MS_MAX, () => resolve(worker.metrics));
    worker.awaitingMetrics.push((metrics) => {
      cancel();
      resolve(metrics);
    });
    if (!tell(worker, { type: "metrics?" })) {
      cancel();
      resolve(worker.metrics);
    }
  });
}
