/**
 * The reporter: once a second this frontend tells how many viewers each of its topics has, and learns
 * how many there are everywhere, and which topics got durable events: a lost *last* event, which no
 * later number can betray, is seen here.
 */

import { type Clock, type Stamp, type Topic, toJsonText } from "@ovation/protocol";
import type { Channel } from "./channel.ts";
import type { Hub } from "./hub.ts";
import { REPORT_MS } from "./limits.ts";
import type { Repair } from "./repair.ts";
import { sleep } from "./retry.ts";
import type { Report, Upstream } from "./upstream.ts";

export interface ReporterOptions {
  readonly hub: Hub;
  readonly upstream: Upstream;
  readonly repair: Repair;
  readonly clock: Clock;
  readonly reportMs?: number;
  onFailure(what: string, error: unknown): void;
}

/** Counts that did not change are said again (entries expire) and totals asked for this often, in reports … */
const REFRESH_EVERY = 3;
/** … and in every report where there are not more topics than this. */
const REFRESH_ALWAYS_TOPICS_MAX = 1000;
/** Viewers who know the number of viewers get the head with it this often, in reports, when it grew. */
const HEAD_EVERY = 5;
/** Reports whose repairs have not ended; beyond, none is asked for, so that no head is passed over. */
const UNSETTLED_MAX = 30;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #said = new Map<Topic, number>();
  #since: Stamp = -1;
  #round = 0;
  #settled: Promise<void> = Promise.resolve();
  #unsettled = 0;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { clock, reportMs } = this.#options;
    while (!this.#stopped) {
      await this.report();
      await sleep(clock, reportMs ?? REPORT_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async report(): Promise<void> {
    if (this.#unsettled >= UNSETTLED_MAX) return;
    const counts = this.#counts();
    try {
      const report = await this.#options.upstream.report(counts, this.#since);
      for (const { topic, viewers } of counts) if (viewers === 0) this.#said.delete(topic);
      this.#apply(report);
    } catch (error) {
      this.#options.onFailure("report", error);
    }
  }

  /** What changed, and every few reports all of it. */
  #counts(): readonly { readonly topic: Topic; readonly viewers: number }[] {
    const full = this.#round++ % REFRESH_EVERY === 0 || this.#options.hub.channels.size <= REFRESH_ALWAYS_TOPICS_MAX;
    const counts: { topic: Topic; viewers: number }[] = [];
    for (const channel of this.#options.hub.channels.values()) {
      if (!channel.kind.viewers) continue;
      if (!full && this.#said.get(channel.topic) === channel.subscribers) continue;
      this.#said.set(channel.topic, channel.subscribers);
      counts.push({ topic: channel.topic, viewers: channel.subscribers });
    }
    for (const topic of this.#said.keys()) {
      if (this.#options.hub.channel(topic) === undefined) counts.push({ topic, viewers: 0 });
    }
    return counts;
  }

  #apply(report: Report): void {
    const { hub, repair } = this.#options;
    for (const { topic, viewers } of report.viewers) {
      const channel = hub.channel(topic);
      if (channel !== undefined) this.#announce(channel, viewers);
    }
    const behind: Promise<void>[] = [];
    for (const head of report.heads) {
      const channel = hub.channel(head.topic);
      if (channel?.joined && head.seq > channel.seq) behind.push(repair.reach(channel, head.seq));
    }
    this.#since = report.stamp;
    this.#unsettled++;
    // In order: the stamp of a report may be told only when that of every earlier one may.
    this.#settled = this.#settled
      .then(() => Promise.all(behind))
      .then(() => {
        this.#unsettled--;
        hub.stamp = Math.max(hub.stamp, report.stamp);
      });
  }

  #announce(channel: Channel, viewers: number): void {
    const { hub, clock } = this.#options;
    const headIsNews = channel.seq > channel.announced && this.#round % HEAD_EVERY === 0;
    if (viewers === channel.viewers && !headIsNews) return;
    channel.viewers = viewers;
    channel.announced = channel.seq;
    const at = clock.now();
    channel.takeLive({ topic: channel.topic, type: "stats", at, data: toJsonText({ viewers, head: channel.seq }) }, at);
    hub.schedule(channel);
  }
}
