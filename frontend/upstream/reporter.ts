/**
 * The reporter: once a second this frontend tells how many viewers each of its topics has, and
 * learns how many there are everywhere, and which topics got durable events: a lost *last* event,
 * which no later number can betray, is seen here.
 */

import { type Clock, type Stamp, type Topic, toJsonText } from "@ovation/protocol";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import { REPORT_MS, STATS_PATIENCE_MS } from "../limits.ts";
import type { Repair } from "../recovery/repair.ts";
import type { Outstanding } from "../recovery/watermark.ts";
import { sleep } from "./retry.ts";
import type { Report, TopicHead, Upstream } from "./upstream.ts";

export interface ReporterOptions {
  readonly hub: Hub;
  readonly upstream: Upstream;
  readonly repair: Repair;
  readonly clock: Clock;
  readonly reportMs?: number;
  onFailure(what: string, error: unknown): void;
}

/** Unchanged counts are reported again (entries expire) and totals read this often, in reports … */
export const REFRESH_EVERY = 3;
/** … and in every report where there are not more topics than this. */
export const REFRESH_ALWAYS_TOPICS_MAX = 1000;
/**
 * Up to this many viewers get the count with every report, twice as many with every second one …
 */
export const STATS_VIEWERS_PER_ROUND = 2000;
/** … and with every so many at the least. */
export const STATS_ROUNDS_MAX = 10;
/**
 * The viewer count is announced again this often, in reports, if the head grew or a viewer is new.
 */
const HEAD_EVERY = 5;
/** The end of a topic is in this many reports: an older report may still be in flight. */
const ENDED_REPORTS = 10;
/**
 * Reports whose events have not all been broadcast; beyond, none is asked for, so that no head is
 * passed over.
 */
export const UNSETTLED_MAX = 30;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #said = new Map<Topic, number>();
  /** Topics that are gone from here, and how many reports have said so. */
  readonly #ended = new Map<Topic, number>();
  #since: Stamp = -1;
  #round = 0;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Reports until `stop`. `onFirst` is called after the first one that was answered. */
  async run(onFirst: () => void): Promise<void> {
    const { clock, reportMs } = this.#options;
    for (let answered = false; !this.#stopped; ) {
      await this.report();
      if (!answered && this.#since >= 0) {
        answered = true;
        onFirst();
      }
      await sleep(clock, reportMs ?? REPORT_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * The log is another one: what is new is asked for from the present on. Resolves when a report
   * was answered.
   */
  async restart(): Promise<void> {
    const { clock, reportMs } = this.#options;
    this.#since = -1;
    while (this.#since < 0 && !this.#stopped) {
      await this.report();
      if (this.#since < 0) await sleep(clock, reportMs ?? REPORT_MS);
    }
  }

  /** Further reports follow at once, until this frontend knows of all that changed. */
  async report(): Promise<void> {
    const { watermark } = this.#options.hub;
    watermark.settle();
    if (watermark.pending >= UNSETTLED_MAX) return;
    try {
      let report = await this.#options.upstream.report(this.#counts(), this.#since);
      this.#forgetEnded(report);
      this.#apply(report);
      while (report.more === true && watermark.pending < UNSETTLED_MAX && !this.#stopped) {
        report = await this.#options.upstream.report([], this.#since);
        this.#apply(report);
      }
    } catch (error) {
      this.#options.onFailure("report", error);
    }
  }

  /** What changed, and every few reports all of it. */
  #counts(): readonly { readonly topic: Topic; readonly viewers: number }[] {
    const full =
      this.#round++ % REFRESH_EVERY === 0 ||
      this.#options.hub.counted.size <= REFRESH_ALWAYS_TOPICS_MAX;
    const counts: { topic: Topic; viewers: number }[] = [];
    for (const channel of this.#options.hub.counted) {
      if (!full && this.#said.get(channel.topic) === channel.subscribers) continue;
      this.#said.set(channel.topic, channel.subscribers);
      counts.push({ topic: channel.topic, viewers: channel.subscribers });
    }
    for (const topic of this.#said.keys()) {
      if (this.#options.hub.channel(topic) !== undefined) continue;
      counts.push({ topic, viewers: 0 });
      if (!this.#ended.has(topic)) this.#ended.set(topic, 0);
    }
    return counts;
  }

  /** A report without totals is one during an outage of the table: nothing was counted. */
  #forgetEnded(report: Report): void {
    if (this.#ended.size === 0) return;
    const counted = new Set(report.viewers.map(({ topic }) => topic));
    for (const [topic, times] of this.#ended) {
      if (this.#options.hub.channel(topic) !== undefined) {
        this.#ended.delete(topic);
      } else if (counted.has(topic)) {
        this.#ended.set(topic, times + 1);
        if (times + 1 < ENDED_REPORTS) continue;
        this.#ended.delete(topic);
        this.#said.delete(topic);
      }
    }
  }

  #apply(report: Report): void {
    const { hub } = this.#options;
    for (const { topic, viewers } of report.viewers) {
      const channel = hub.channel(topic);
      if (channel !== undefined) this.#announce(channel, viewers);
    }
    hub.watermark.add(
      report.stamp,
      report.heads.flatMap((head) => this.expect(head) ?? []),
      report.epoch,
    );
    this.#since = report.stamp;
  }

  /** What the log has of a topic must be broadcast here: pulled, where it did not come. */
  expect(head: TopicHead): Outstanding | undefined {
    const { hub, repair } = this.#options;
    const channel = hub.channel(head.topic);
    if (channel === undefined) return undefined;
    const { seq } = head;
    // A channel that is still joining may be answered an older head: `known` tells it.
    channel.known = Math.max(channel.known, seq);
    if (channel.joined && channel.seq > 0 && head.epoch !== channel.epoch)
      void repair.verify(channel);
    if (channel.joined && seq > channel.seq) void repair.reach(channel, seq);
    // The repair lowers `known` where the log has no such number any more.
    const isBroadcast = () => channel.joined && channel.batched.seq >= Math.min(seq, channel.known);
    return { isBroadcast: () => hub.channel(channel.topic) !== channel || isBroadcast() };
  }

  #announce(channel: HubChannel, total: number): void {
    const { hub, clock } = this.#options;
    // A table that came back empty knows less than this frontend does.
    const viewers = Math.max(total, channel.subscribers);
    const { announced } = channel;
    if (announced === undefined) return;
    const isNews =
      (channel.seq > announced.seq || announced.unseen) && this.#round % HEAD_EVERY === 0;
    if (viewers === announced.viewers && !isNews) return;
    // A number that always changes a little is worth less the more there are to send it to.
    const restRounds = Math.min(
      STATS_ROUNDS_MAX,
      Math.ceil(channel.subscribers / STATS_VIEWERS_PER_ROUND),
    );
    if (this.#round - announced.round < restRounds) return;
    announced.viewers = viewers;
    announced.round = this.#round;
    announced.seq = channel.seq;
    announced.unseen = false;
    const at = clock.now();
    hub.say(
      channel,
      { topic: channel.topic, type: "stats", at, data: toJsonText({ viewers, head: channel.seq }) },
      STATS_PATIENCE_MS,
    );
  }
}
