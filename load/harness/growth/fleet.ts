/** All fake frontends, over several processes. */

import type { Topic } from "@ovation/protocol";
import { type Child, startChild } from "../../child.ts";
import type { Arrival } from "./arrivals.ts";
import { sumCalls, type WatchedCalls } from "./call-watch.ts";
import type { Fakes, FakesTask, RowsBack } from "./fakes.ts";
import type { FakesAnswer, FakesCall } from "./fakes-process.ts";

/**
 * Far below what a process may hold in files: a listener, a link for each dispatcher, and its
 * calls.
 */
const FRONTENDS_PER_PROCESS = 500;
/** A real frontend has a pool of its own; here all of a process share one. */
const ENVIRONMENT = { BUN_CONFIG_MAX_HTTP_REQUESTS: "20000" };
const STOP_MS_MAX = 5000;

export class Fleet {
  readonly #processes: FakesProcess[] = [];
  #count = 0;
  readonly #onLost: (reason: string) => void;

  constructor(onLost: (reason: string) => void) {
    this.#onLost = onLost;
  }

  /** Frontends so far. */
  get size(): number {
    return this.#count;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  /** Returns how many of the new ones have all their rows. */
  async add(task: Omit<FakesTask, "first">): Promise<number> {
    const starting: Promise<number>[] = [];
    const first = this.#count;
    const perProcess = Math.ceil(task.count / Math.ceil(task.count / FRONTENDS_PER_PROCESS));
    for (let from = 0; from < task.count; from += perProcess) {
      const one = new FakesProcess(this.#onLost);
      this.#processes.push(one);
      const count = Math.min(perProcess, task.count - from);
      starting.push(one.ask("start", { ...task, first: first + from, count }));
    }
    this.#count += task.count;
    return sum(await Promise.all(starting));
  }

  async started(): Promise<number> {
    return sum(await this.#askAll("started"));
  }

  async setQuiet(isQuiet: boolean): Promise<void> {
    await this.#askAll("setQuiet", isQuiet);
  }

  async expectRows(): Promise<void> {
    await this.#askAll("expectRows");
  }

  async rowsBack(): Promise<RowsBack> {
    const all = await this.#askAll("rowsBack");
    return {
      frontends: sum(all.map(({ frontends }) => frontends)),
      rows: sum(all.map(({ rows }) => rows)),
      lastAt: Math.max(...all.map(({ lastAt }) => lastAt)),
    };
  }

  /** Since the last time. */
  async calls(): Promise<WatchedCalls> {
    return sumCalls(await this.#askAll("calls"));
  }

  /** Since the last time, by number. */
  async arrivals(): Promise<ReadonlyMap<number, Arrival>> {
    const all = new Map<number, Arrival>();
    for (const one of (await this.#askAll("arrivals")).flat()) {
      const known = all.get(one.number);
      all.set(one.number, {
        number: one.number,
        count: one.count + (known?.count ?? 0),
        lastAt: Math.max(one.lastAt, known?.lastAt ?? 0),
      });
    }
    return all;
  }

  async upTo(topic: Topic, seq: number): Promise<number> {
    return sum(await this.#askAll("upTo", topic, seq));
  }

  async lags(): Promise<readonly number[]> {
    return (await this.#askAll("lags")).flat();
  }

  async messages(): Promise<number> {
    return sum(await this.#askAll("messages"));
  }

  /** Releases their leases, if that can be done in time, and ends the processes. */
  async stop(): Promise<void> {
    // A process that was lost has nothing to release.
    const stopping = this.#askAll("stop").catch(() => undefined);
    await Promise.race([stopping, Bun.sleep(STOP_MS_MAX)]);
    for (const one of this.#processes) one.end();
  }

  #askAll<Name extends keyof Fakes>(
    name: Name,
    ...parameters: Parameters<Fakes[Name]>
  ): Promise<Awaited<ReturnType<Fakes[Name]>>[]> {
    return Promise.all(this.#processes.map((one) => one.ask(name, ...parameters)));
  }
}

class FakesProcess {
  readonly #child: Child<FakesCall, FakesAnswer>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;
  #lost: string | undefined;

  constructor(onLost: (reason: string) => void) {
    this.#child = startChild<FakesCall, FakesAnswer>(
      "harness/growth/fakes-process.ts",
      {
        onMessage: ({ id, value, error }) => {
          const waiting = this.#waiting.get(id);
          this.#waiting.delete(id);
          if (error === undefined) waiting?.resolve(value);
          else waiting?.reject(new Error(error));
        },
        onLost: (reason) => {
          this.#lost = reason;
          for (const { reject } of this.#waiting.values()) reject(new Error(reason));
          onLost(reason);
        },
      },
      ENVIRONMENT,
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  ask<Name extends keyof Fakes>(
    name: Name,
    ...parameters: Parameters<Fakes[Name]>
  ): Promise<Awaited<ReturnType<Fakes[Name]>>> {
    if (this.#lost !== undefined) return Promise.reject(new Error(this.#lost));
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.say({ id, name, parameters });
    return waiting.promise as Promise<Awaited<ReturnType<Fakes[Name]>>>;
  }

  end(): void {
    this.#child.end();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
