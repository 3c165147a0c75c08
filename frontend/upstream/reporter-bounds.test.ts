/** What happens at each bound of the reports, over a hub of the test's own. */

import { expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import type { Hub } from "../broadcast/hub.ts";
import type { Repair } from "../recovery/repair.ts";
import { Watermark } from "../recovery/watermark.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import {
  REFRESH_ALWAYS_TOPICS_MAX,
  REFRESH_EVERY,
  Reporter,
  STATS_ROUNDS_MAX,
  STATS_VIEWERS_PER_ROUND,
  UNSETTLED_MAX,
} from "./reporter.ts";

function over(topics: number, subscribers: number) {
  const channels = new Map<Topic, object>();
  for (let index = 0; index < topics; index++) {
    const name = topic(`video:${index}`);
    channels.set(name, {
      topic: name,
      subscribers,
      joined: false,
      batched: { seq: 0 },
      known: 0,
      seq: 0,
      announced: { viewers: 0, seq: 0, round: 0, unseen: true },
    });
  }
  const said: number[] = [];
  const counts: number[] = [];
  const upstream = new ModelUpstream();
  // Above the frontend's own: it never tells fewer than those.
  let viewers = subscribers;
  upstream.report = async (list, since) => {
    counts.push(list.length);
    viewers++;
    const answer = await ModelUpstream.prototype.report.call(upstream, list, since);
    return { ...answer, viewers: list.map((entry) => ({ ...entry, viewers })) };
  };
  const watermark = new Watermark();
  const reporter = new Reporter({
    hub: {
      watermark,
      counted: new Set(channels.values()),
      channel: (name: Topic) => channels.get(name),
      say: () => void said.push(counts.length),
    } as unknown as Hub,
    upstream,
    repair: { reach: async () => undefined, verify: async () => undefined } as unknown as Repair,
    clock: createManualClock(),
    onFailure: (_, error) => {
      throw error;
    },
  });
  return { reporter, upstream, said, counts, watermark, channels };
}

test("REFRESH_ALWAYS_TOPICS_MAX: more topics are in every third report only", async () => {
  for (const topics of [REFRESH_ALWAYS_TOPICS_MAX, REFRESH_ALWAYS_TOPICS_MAX + 1]) {
    const { reporter, counts } = over(topics, 1);
    for (let report = 0; report < 2 * REFRESH_EVERY; report++) await reporter.report();
    const between = topics > REFRESH_ALWAYS_TOPICS_MAX ? 0 : topics;
    expect(counts).toEqual([topics, between, between, topics, between, between]);
  }
});

test("STATS_ROUNDS_MAX: a changing number is sent once in so many reports", async () => {
  for (const [subscribers, every] of [
    [(STATS_ROUNDS_MAX - 1) * STATS_VIEWERS_PER_ROUND, STATS_ROUNDS_MAX - 1],
    [STATS_ROUNDS_MAX * STATS_VIEWERS_PER_ROUND, STATS_ROUNDS_MAX],
    [100 * STATS_ROUNDS_MAX * STATS_VIEWERS_PER_ROUND, STATS_ROUNDS_MAX],
  ] as const) {
    const { reporter, said } = over(1, subscribers);
    for (let report = 0; report < 4 * STATS_ROUNDS_MAX; report++) await reporter.report();
    expect(said.slice(0, 3)).toEqual([every, 2 * every, 3 * every]);
  }
});

test("UNSETTLED_MAX: no report is requested while so many are unsettled", async () => {
  const { reporter, upstream, counts, watermark, channels } = over(1, 1);
  const name = topic("video:0");
  upstream.append(name, "a");
  // The first report only learns where the log is.
  await reporter.report();
  for (let report = 0; report < UNSETTLED_MAX + 5; report++) {
    upstream.append(name, "b");
    await reporter.report();
  }
  expect(watermark.pending).toBe(UNSETTLED_MAX);
  expect(counts).toHaveLength(1 + UNSETTLED_MAX);
  Object.assign(channels.get(name) ?? {}, { joined: true, batched: { seq: 1000 }, seq: 1000 });
  await reporter.report();
  expect(counts).toHaveLength(2 + UNSETTLED_MAX);
  expect(watermark.pending).toBe(0);
});

test("more topics than a report holds: the next reports follow at once, each counted", async () => {
  const { reporter, upstream, counts, watermark } = over(1, 1);
  await reporter.report();
  let left = 3;
  upstream.report = async (list, since) => {
    counts.push(list.length);
    return { viewers: [], heads: [], stamp: since + 1, epoch: undefined, more: --left > 0 };
  };
  const { stamp } = watermark;
  await reporter.report();
  expect(counts).toEqual([1, 1, 0, 0]);
  expect(watermark.stamp).toBe(stamp + 3);
});
