/**
 * Two data centres that only a link joins, and what they do without it. Real processes in network
 * namespaces of their own; a cut is an interface that is down somewhere between them. Packets in
 * flight vanish without a reset: only time-outs notice.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { type Crowd, createCrowd, ownTopic } from "./testing/crowd.ts";
import {
  type SeparateDatacenter,
  type SeparateDatacenters,
  startSeparateDatacenters,
} from "./testing/separate-datacenters.ts";

/** Machines that are busy with other tests are slower than the promise. */
const PATIENCE = 3;
const WHOLE_MS = 5000 * PATIENCE;
const CUT_MS = 30_000;
/** Slow enough not to be a busy topic, whose events a dispatcher may hold back. */
const EVERY_MS = 250;
const FORWARD_TTL_MS = 5000;
const FORWARD_TIMEOUT_MS = 3000;
/** After this long without an answer the others' viewers no longer count. */
const VIEWERS_TTL_MS = 7000;

let pair: SeparateDatacenters;
let crowd: Crowd;

beforeAll(async () => {
  pair = await startSeparateDatacenters();
}, 60_000);

afterEach(() => crowd?.close());

afterAll(() => pair?.stop(), 30_000);

/** So many viewers of both topics in each data centre, the SDK's and plain ones in turn. */
async function gather(topics: readonly Topic[], each: number): Promise<void> {
  crowd = await createCrowd(pair);
  for (const { frontend } of pair.datacenters) {
    for (let viewer = 0; viewer < each; viewer++)
      crowd.watch(viewer % 2 === 0 ? "sdk" : "plain", frontend, topics);
  }
  await until(
    () => crowd.viewers.every(({ recorder }) => recorder.isConnected),
    "all viewers are connected",
    20_000,
  );
}

/**
 * The keys of the live events of a topic that each viewer saw, those of the first data centre
 * first.
 */
function liveSeen(topic: Topic): readonly ReadonlySet<string>[] {
  const { viewers } = crowd.recorder.history(new Map());
  return viewers.map(({ entries }) => {
    const seen = new Set<string>();
    for (const entry of entries) {
      if (
        entry.kind === "event" &&
        entry.topic === topic &&
        entry.seq === undefined &&
        entry.key !== undefined
      )
        seen.add(entry.key);
    }
    return seen;
  });
}

interface SentLive {
  readonly key: string;
  readonly at: number;
}

/** The live events of a topic that were published, and when. */
function liveSent(topic: Topic): readonly SentLive[] {
  const { publishes } = crowd.recorder.history(new Map());
  return publishes
    .filter((one) => one.topic === topic && one.lane === "live")
    .map(({ key, endedAt }) => ({ key, at: endedAt }));
}

async function metric(datacenter: SeparateDatacenter, name: string, lane = ""): Promise<number> {
  const text = await (await fetch(`${datacenter.dispatcher}/metrics`)).text();
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && line.includes(lane && `lane="${lane}"`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/**
 * What became of the live events that were published here: too old before the link was back; or
 * neither that nor taken by the other side.
 */
async function account(
  here: SeparateDatacenter,
): Promise<{ readonly expired: number; readonly left: number }> {
  const published = await metric(here, "ovation_dispatcher_published_events_total", "live");
  const expired = await metric(here, "ovation_forward_expired_events_total", "live");
  return {
    expired,
    left: published - expired - (await metric(here, "ovation_forward_sent_events_total", "live")),
  };
}

/** Whether live events that are published now arrive everywhere. */
async function crosses(topics: readonly [Topic, Topic]): Promise<boolean> {
  const known = topics.map((topic) => new Set(liveSent(topic).map(({ key }) => key)));
  const sent = await Promise.all(
    pair.datacenters.map(({ dispatcher }, index) =>
      crowd.publish(dispatcher, topics[index as 0 | 1], false),
    ),
  );
  expect(sent.map(({ status }) => status)).toEqual([202, 202]);
  await Bun.sleep(200);
  return topics.every((topic, index) => {
    const fresh = liveSent(topic).filter(({ key }) => known[index]?.has(key) === false);
    return liveSeen(topic).every((seen) => fresh.some(({ key }) => seen.has(key)));
  });
}

test("data centres that start apart find each other by addresses when the link is up", async () => {
  const topics = [ownTopic(), ownTopic()] as const;
  const [east, west] = pair.datacenters;
  await gather(topics, 2);
  expect(await crosses(topics)).toBe(false);
  // Its own viewers had it all the same, and comments come from the log that both have.
  const seen = (topic: Topic) => liveSeen(topic).map(({ size }) => size);
  await until(
    () => [...seen(topics[0]), ...seen(topics[1])].filter((size) => size > 0).length === 4,
    "each sees its own",
    WHOLE_MS,
  );
  expect([seen(topics[0]), seen(topics[1])]).toEqual([
    [1, 1, 0, 0],
    [0, 0, 1, 1],
  ]);
  const apart = await crowd.comment(east.comments, topics[0]);
  expect(apart.status).toBe(201);
  await crowd.allHave(topics[0], 1, WHOLE_MS);
  // The name of the data centre at the other end is not known yet.
  expect(await (await fetch(`${east.dispatcher}/metrics`)).text()).not.toContain('peer="west"');
  pair.link.heal();
  // They are asked again within five seconds at most.
  await until(() => crosses(topics), "live events cross", 2 * WHOLE_MS);
  for (const [here, peer] of [
    [east, "west"],
    [west, "east"],
  ] as const) {
    const text = await (await fetch(`${here.dispatcher}/metrics`)).text();
    expect(text).toContain(`ovation_forward_up{peer="${peer}"} 1`);
    expect(text).not.toContain(`ovation_forward_up{peer="${here.name}"}`);
  }
  expect((await crowd.comment(west.comments, topics[0])).body["seq"]).toBe(2);
  await crowd.allHave(topics[0], 2, WHOLE_MS);
  expect(await crowd.verdict()).toEqual([]);
}, 90_000);

test("the link is silent for 30 s, and within 5 s every comment is everywhere, once", async () => {
  const topics = [ownTopic(), ownTopic()] as const;
  await gather(topics, 3);
  await until(() => crosses(topics), "live events cross", 2 * WHOLE_MS);
  const before = await Promise.all(pair.datacenters.map(account));
  let isOver = false;
  const heads = [0, 0];
  const writing = pair.datacenters.map(async ({ dispatcher, comments }, index) => {
    const topic = topics[index as 0 | 1];
    while (!isOver) {
      const [live, comment] = await Promise.all([
        crowd.publish(dispatcher, topic, false),
        crowd.comment(comments, topic),
        Bun.sleep(EVERY_MS),
      ]);
      expect([live.status, comment.status]).toEqual([202, 201]);
      heads[index] = Number(comment.body["seq"]);
    }
  });
  const viewersAt = async ({ comments }: SeparateDatacenter) => {
    const response = await fetch(`${comments}/v1/videos/${topics[0].slice("video:".length)}`);
    return ((await response.json()) as { readonly viewers: number }).viewers;
  };
  const ofBoth =
    (value: number, read: (datacenter: SeparateDatacenter) => Promise<number>) => async () =>
      (await Promise.all(pair.datacenters.map(read))).every((each) => each === value);
  await until(ofBoth(6, viewersAt), "viewers of both are counted", 10_000 * PATIENCE);

  const cutAt = crowd.recorder.now();
  const deadline = performance.now() + CUT_MS;
  pair.link.cut();
  const isUp = (datacenter: SeparateDatacenter) => metric(datacenter, "ovation_forward_up");
  await until(ofBoth(0, isUp), "both have noticed", FORWARD_TIMEOUT_MS * PATIENCE);
  await until(ofBoth(3, viewersAt), "only the own viewers count", VIEWERS_TTL_MS * PATIENCE);
  await Bun.sleep(deadline - performance.now());
  // What each has in the log the other has too, by the repair lane.
  const [east, west] = heads;
  await crowd.allHave(topics[0], east ?? 0, WHOLE_MS);
  await crowd.allHave(topics[1], west ?? 0, WHOLE_MS);
  const healedAt = crowd.recorder.now();
  pair.link.heal();
  await until(() => crosses(topics), "live events cross again", WHOLE_MS);
  isOver = true;
  await Promise.all(writing);
  for (const index of [0, 1] as const)
    await crowd.allHave(topics[index], heads[index] ?? 0, WHOLE_MS);
  await until(ofBoth(6, viewersAt), "viewers of both are counted again", 10_000 * PATIENCE);

  for (const index of [0, 1] as const) {
    const during = liveSent(topics[index]).filter(({ at }) => at > cutAt && at < healedAt);
    expect(during.length).toBeGreaterThan(CUT_MS / EVERY_MS / PATIENCE);
    const expired = during.filter(
      ({ at }) => at > cutAt + 100 && at < healedAt - FORWARD_TTL_MS - 1000,
    );
    for (const [viewer, seen] of liveSeen(topics[index]).entries()) {
      const isOwn = viewer < 3 === (index === 0);
      // Every one of the own; of the other side's those that could wait, and none that came too
      // late.
      if (isOwn) expect(during.filter(({ key }) => !seen.has(key))).toEqual([]);
      else expect(expired.filter(({ key }) => seen.has(key))).toEqual([]);
    }
    // Lost, and counted: what was published and did not go across expired.
    const [here, first] = [pair.datacenters[index], before[index]];
    await until(
      async () => (await account(here)).left === first?.left,
      "nothing is in flight",
      WHOLE_MS,
    );
    expect((await account(here)).expired - (first?.expired ?? 0)).toBeGreaterThanOrEqual(
      expired.length,
    );
  }
  expect(await crowd.verdict()).toEqual([]);
}, 120_000);
