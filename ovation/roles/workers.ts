/** The worker processes of one installation: started together, restarted, counted and drained. */

import type { Clock } from "@ovation/protocol";
import type { Logger } from "pino";
import { AggregatorRegistry } from "prom-client";
import { clearRegion } from "../shares/address-pools-mapped.ts";
import type { Metrics, WorkerRenewal, WorkerSettings } from "./worker-messages.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface WorkersOptions {
  readonly count: number;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The pause before a worker that died is restarted. It doubles while workers die early. */
const RESTART_MS_FIRST = 100;
const RESTART_MS_LAST = 10_000;
/** At the start; later, a worker is restarted for as long as the server runs. */
export const START_ATTEMPTS_MAX = 5;
/** A worker that ran this long did not die early. */
const STABLE_MS = 60_000;
/** Beyond its drain, a worker has this long to end. */
const END_MS = 5000;

/** Its message is for the operator. */
export class WorkersUnstartableError extends Error {
  override readonly name = "WorkersUnstartableError";
}

export class Workers {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #settings: WorkerSettings;
  #port: number;
  #workers: WorkerProcess[] = [];
  /** Counters of workers that died: a total never falls. */
  #counted: Metrics = [];
  /** `serving`: all listen, and a worker that dies is restarted. */
  #state: "starting" | "serving" | "stopping" = "starting";

  private constructor({ settings, logger, clock }: WorkersOptions) {
    this.#settings = settings;
    this.#port = settings.port;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Rejects with {@link WorkersUnstartableError} where a worker does not start. */
  static async start(options: WorkersOptions): Promise<Workers> {
    const workers = new Workers(options);
    await workers.#startAll(options.count);
    return workers;
  }

  /** The public port that they share. */
  get port(): number {
    return this.#port;
  }

  /** Of each worker, and the counters of those that died. */
  async metrics(): Promise<readonly Metrics[]> {
    const current = await Promise.all(this.#workers.map((worker) => worker.metrics()));
    return [this.#counted, ...current].filter((metrics) => metrics.length > 0);
  }

  /** These settings from now on, also for workers that are started later. */
  renew(renewed: WorkerRenewal): void {
    const {
      corsOrigins: _,
      hosts: __,
      trustedProxies: ___,
      tokens: ____,
      ...kept
    } = this.#settings;
    this.#settings = { ...kept, ...renewed };
    for (const worker of this.#workers) worker.renew(renewed);
  }

  /** Drains all and waits for their end. */
  async stop(): Promise<void> {
    this.#state = "stopping";
    for (const worker of this.#workers) worker.kill("SIGTERM");
    const cancelOverdue = this.#clock.after(this.#settings.drainMs + END_MS, () => {
      for (const worker of this.#workers) worker.kill("SIGKILL");
    });
    await Promise.all(this.#workers.map((worker) => worker.exited));
    cancelOverdue();
  }

  /** All load before the first listens, and none reports ready before the last listens. */
  async #startAll(count: number): Promise<void> {
    const loading = Array.from({ length: count }, (_, index) => this.#loadAtStart(index));
    this.#workers = await Promise.all(loading);
    const [first, ...others] = this.#workers;
    if (first === undefined) throw new Error("no workers");
    this.#port = await this.#listenAtStart(0, first);
    await Promise.all(others.map((worker, index) => this.#listenAtStart(index + 1, worker)));
    for (const worker of this.#workers) worker.serve();
    this.#state = "serving";
    // A worker may have ended after it listened, when nothing restarted it yet.
    for (const [index, worker] of this.#workers.entries())
      if (worker.exitedBy !== undefined) void this.#restart(index, worker, worker.exitedBy);
  }

  async #load(index: number, restartMs: number): Promise<WorkerProcess> {
    const worker = new WorkerProcess({
      index,
      restartMs,
      settings: this.#settings,
      clock: this.#clock,
      onExit: (ended, how) => {
        clearRegion(this.#settings.pools, index);
        if (this.#state === "serving" && this.#workers[index] === ended)
          void this.#restart(index, ended, how);
      },
    });
    await worker.loaded;
    return worker;
  }

  async #loadAtStart(index: number): Promise<WorkerProcess> {
    for (let attempt = 1, waitMs = RESTART_MS_FIRST; ; attempt++, waitMs *= 2) {
      try {
        return await this.#load(index, RESTART_MS_FIRST);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (attempt === START_ATTEMPTS_MAX) {
          for (const worker of this.#workers) worker.kill("SIGKILL");
          throw new WorkersUnstartableError(
            `${why}, ${attempt} times. Its own log lines above say why; ` +
              "with --workers 1 there is none",
          );
        }
        this.#logger.warn({ worker: index, why, restartInMs: waitMs }, "starting the worker again");
        await this.#wait(waitMs);
      }
    }
  }

  /** A worker that ends between loading and listening has a successor, which listens instead. */
  async #listenAtStart(index: number, worker: WorkerProcess): Promise<number> {
    try {
      return await worker.listen(this.#port);
    } catch {
      const next = await this.#loadAtStart(index);
      this.#workers[index] = next;
      return next.listen(this.#port);
    }
  }

  async #restart(index: number, died: WorkerProcess, how: unknown): Promise<void> {
    const wasStable = this.#clock.now() - died.startedAt > STABLE_MS;
    const waitMs = wasStable ? RESTART_MS_FIRST : died.restartMs;
    this.#logger.error({ worker: index, how, restartInMs: waitMs }, "a worker died");
    await this.#keepCounters(died);
    await this.#wait(waitMs);
    if (this.#state === "stopping") return;
    const nextMs = Math.min(RESTART_MS_LAST, waitMs * 2);
    try {
      const worker = await this.#load(index, nextMs);
      this.#workers[index] = worker;
      await worker.listen(this.#port);
      worker.serve();
      this.#logger.info({ worker: index }, "the worker is back");
    } catch (error) {
      this.#logger.error({ error, worker: index }, "a worker could not be started");
      // One that ended after it had loaded is restarted by its `onExit`.
      if (this.#workers[index] !== died) return;
      died.restartMs = nextMs;
      void this.#restart(index, died, "not started");
    }
  }

  async #keepCounters(died: WorkerProcess): Promise<void> {
    const counters = died.lastMetrics.filter(({ type }) => String(type) === "counter");
    died.lastMetrics = [];
    const all = AggregatorRegistry.aggregate([this.#counted, counters]);
    this.#counted = await all.getMetricsAsJSON();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
