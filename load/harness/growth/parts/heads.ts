/**
 * Durable events of 10,000 topics a second, which no frontend here has: what it costs to know of
 * them, and how far that is behind. They are stored and not published, so that only reports see
 * them.
 */

import type { Log } from "@ovation/log";
import { toJsonText, topicOf } from "@ovation/protocol";
import { GROWTH_EVENT } from "../arrivals.ts";
import { type Part, quantile } from "./part.ts";

const PER_SECOND = 10_000;
/** Each changes every two seconds. */
const TOPICS = 2 * PER_SECOND;
const BATCH = 500;
const BATCHES_IN_FLIGHT_MAX = 4;

export const heads: Part = {
  name: "heads",
  isQuiet: false,
  async run(stage, record) {
    const { bench, fleet } = stage;
    const seconds = bench.size(1.5, 8);
    const writer = new HeadsWriter(await stage.log(), bench.size(PER_SECOND / 10, PER_SECOND));
    // The first events of topics cost more than later ones.
    await writer.write(bench.size(0.5, 3));
    await fleet.setQuiet(true);
    const appends = await stage
      .measure(() => writer.write(seconds))
      .finally(() => fleet.setQuiet(false));
    await writer.write(bench.size(1, 3));
    await fleet.lags();
    let written = 0;
    const costs = await stage.measure(async () => {
      written = await writer.write(seconds);
    });
    const lags = await fleet.lags();
    const more = (name: keyof typeof costs) =>
      Math.max(0, costs[name] / costs.seconds - appends[name] / appends.seconds);
    record("headsRate", written / costs.seconds);
    record("headsLag", quantile(lags, 0.5));
    record("headsSlowest", quantile(lags, 0.99));
    record("headsPostgres", more("postgresCpuSeconds"));
    record("headsAppends", appends.postgresCpuSeconds / appends.seconds);
    record("headsStatements", more("statements"));
    record("headsDispatchers", more("dispatcherCpuSeconds"));
  },
};

class HeadsWriter {
  readonly #log: Log;
  readonly #perSecond: number;
  #next = 0;

  constructor(log: Log, perSecond: number) {
    this.#log = log;
    this.#perSecond = perSecond;
  }

  /** On a fixed schedule, as far as the log takes it; returns how many. */
  async write(seconds: number): Promise<number> {
    const from = performance.now();
    const inFlight = new Set<Promise<unknown>>();
    let written = 0;
    while (performance.now() - from < seconds * 1000) {
      const due = ((performance.now() - from) * this.#perSecond) / 1000;
      if (written + BATCH > due) {
        await Bun.sleep(2);
        continue;
      }
      if (inFlight.size >= BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight);
      const append = this.#append().finally(() => inFlight.delete(append));
      inFlight.add(append);
      written += BATCH;
    }
    await Promise.all(inFlight);
    return written;
  }

  async #append(): Promise<void> {
    const at = Date.now();
    const entries = Array.from({ length: BATCH }, () => ({
      topic: topicOf("member", `growth-head-${this.#next++ % TOPICS}`),
      type: GROWTH_EVENT,
      at,
      data: toJsonText({ n: 0 }),
    }));
    await this.#log.append(entries);
  }
}
