/** The fake frontends of one process, and what the benchmark asks of them. */

import { createInternalAuth } from "@ovation/dispatcher";
import { systemClock, type Topic, topicOf } from "@ovation/protocol";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { CallWatch, type WatchedCalls } from "./call-watch.ts";
import { FakeFrontend } from "./fake-frontend.ts";

export interface FakesTask {
  readonly dispatchers: readonly string[];
  readonly internalSecret: string;
  /** The number of the first of them, over all processes. */
  readonly first: number;
  readonly count: number;
  /** Videos that all have. */
  readonly videos: number;
  /** Rows that each has alone. */
  readonly rows: number;
  readonly withinMs: number;
}

/** Started together; the others follow when these have their rows. */
const WAVE = 10;

export interface RowsBack {
  readonly frontends: number;
  readonly rows: number;
  /** When the last of the frontends had all of them, ms since 1970; 0 while none has. */
  readonly lastAt: number;
}

export function videoOf(number: number): Topic {
  return topicOf("video", `growth-${number}`);
}

export function rowOf(frontend: number, row: number): Topic {
  return topicOf("member", `growth-${frontend}-${row}`);
}

export class Fakes {
  readonly #frontends: FakeFrontend[] = [];
  readonly #arrivals = new Arrivals();
  readonly #calls = new CallWatch();
  #starting = 0;

  constructor() {
    this.#calls.install();
  }

  /**
   * Returns how many have all their rows: all of them, or as many as could in time. Each is quiet
   * from then on, so that a number of frontends that no cluster could serve can still be started.
   */
  async start(task: FakesTask): Promise<number> {
    const { first, count, withinMs } = task;
    const auth = createInternalAuth({ secrets: [task.internalSecret], clock: systemClock });
    const onEvents = this.#arrivals.note.bind(this.#arrivals);
    const late = Bun.sleep(withinMs).then(() => "late" as const);
    for (let from = first; from < first + count; from += WAVE) {
      const numbers = range(from, Math.min(from + WAVE, first + count));
      const subscribing = numbers.map(async (number) => {
        const frontend = new FakeFrontend({ auth, dispatchers: task.dispatchers, onEvents });
        this.#frontends.push(frontend);
        await frontend.subscribe([
          ...range(0, task.videos).map(videoOf),
          ...range(0, task.rows).map((row) => rowOf(number, row)),
        ]);
        await frontend.upstream.setQuiet(true);
        this.#starting++;
      });
      if ((await Promise.race([Promise.all(subscribing), late])) === "late") break;
    }
    return this.#starting;
  }

  /** How many have all their rows so far. */
  started(): number {
    return this.#starting;
  }

  async setQuiet(isQuiet: boolean): Promise<void> {
    await Promise.all(this.#frontends.map(({ upstream }) => upstream.setQuiet(isQuiet)));
  }

  /** Rows count as back from now on. */
  expectRows(): void {
    for (const { upstream, rows } of this.#frontends) upstream.expectRows(rows);
  }

  rowsBack(): RowsBack {
    const back = this.#frontends.flatMap(({ upstream }) => upstream.backAt ?? []);
    return {
      frontends: back.length,
      rows: this.#frontends.reduce((sum, { upstream }) => sum + upstream.put, 0),
      lastAt: Math.max(0, ...back),
    };
  }

  calls(): WatchedCalls {
    return this.#calls.take();
  }

  arrivals(): readonly Arrival[] {
    return this.#arrivals.take();
  }

  /** How many have the topic up to this event. */
  upTo(topic: Topic, seq: number): number {
    return this.#frontends.filter((frontend) => frontend.seq(topic) >= seq).length;
  }

  /**
   * How far reports were behind since the last call, ms; of a frontend without a report that ended
   * in the present, how far its last answer is.
   */
  lags(): readonly number[] {
    return this.#frontends.flatMap(({ upstream }) => {
      const lags = upstream.lagsMs.length > 0 ? upstream.lagsMs : [upstream.lastLagMs];
      upstream.lagsMs = [];
      return lags;
    });
  }

  /** Messages of links with published events, so far. */
  messages(): number {
    return this.#arrivals.messages;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#frontends.map((frontend) => frontend.stop()));
  }
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
