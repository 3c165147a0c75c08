import { expect, test } from "bun:test";
import { DEFAULT_POLICY, type FrontendId, type Topic, topicOf } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Hub, type HubChannel } from "../broadcast/hub.ts";
import { createCounters } from "../counters.ts";
import { JOIN_TIMEOUT_MS, LEASE_RENEW_MS } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { Membership } from "./membership.ts";
import type { UpstreamChange } from "./upstream.ts";

const LINGER_MS = 10_000;
const OWN = topicOf("frontend", "frontend1");

/** A viewer of the channel, as far as membership is concerned. */
function subscriber() {
  return { index: 0, next: 1, connection: { lags: undefined } } as never;
}

/** A hub, a membership, and a table that records every change. */
function world() {
  const clock = createManualClock();
  const changes: UpstreamChange[] = [];
  let lease = "lease1";
  class Table extends ModelUpstream {
    override async change(batch: Parameters<ModelUpstream["change"]>[0]) {
      const heads = await super.change(batch);
      changes.push(...batch);
      return heads;
    }
    override async renew() {
      if (this.away) throw new Error("unreachable");
      return lease;
    }
  }
  const upstream = new Table();
  const hub = new Hub({
    frontend: "frontend1" as FrontendId,
    policy: DEFAULT_POLICY,
    clock,
    steady: clock,
    counters: createCounters(),
    soon: (run) => void clock.after(0, run),
    elapsed: () => clock.now(),
    onMissing: () => undefined,
    onOtherEpoch: () => undefined,
    onUnwanted: () => undefined,
    onOvertaken: () => undefined,
  });
  const forgotten: Topic[] = [];
  const membership = new Membership({
    hub,
    upstream,
    ownTopic: OWN,
    clock,
    random: () => 0,
    soon: (run) => void clock.after(0, run),
    onHead: () => undefined,
    onForgotten: (channel: HubChannel) => void forgotten.push(channel.topic),
    onFailure: () => undefined,
    lingerMs: LINGER_MS,
  });
  const subscriptions = () => changes.map(({ topic: of, subscribed }) => [of, subscribed] as const);
  const newLease = (mark: string) => {
    lease = mark;
  };
  return { clock, hub, membership, upstream, changes, subscriptions, forgotten, newLease };
}

test("a join resolves with the row in the table, and generations rise", async () => {
  const { clock, hub, membership, upstream, changes } = world();
  membership.begin();
  const channels = [hub.open(topic("video:1")), hub.open(topic("video:2"))];
  const joined = membership.join(channels);
  await clock.advance(0);
  await joined;
  expect(upstream.subscribed).toEqual(new Set([topic("video:1"), topic("video:2")]));
  expect(channels.every((channel) => channel.joined)).toBe(true);
  expect(changes.map(({ generation }) => generation)).toEqual([1, 2]);
});

test("changes wait until `begin`, and a joined topic is not asked for again", async () => {
  const { clock, hub, membership, changes } = world();
  const channel = hub.open(topic("video:1"));
  const joined = membership.join([channel]);
  await clock.advance(0);
  expect(changes).toEqual([]);
  membership.begin();
  await clock.advance(0);
  await joined;
  await membership.join([channel]);
  expect(changes).toHaveLength(1);
});

test("JOIN_TIMEOUT_MS: a join without a response rejects, and a later one succeeds", async () => {
  const { clock, hub, membership, upstream } = world();
  membership.begin();
  upstream.away = true;
  const failed = membership.join([hub.open(topic("video:1"))]).catch((error) => String(error));
  await clock.advance(JOIN_TIMEOUT_MS);
  expect(await failed).toContain("no dispatcher answered in time");
  expect(membership.reachable).toBe(false);
  upstream.away = false;
  await clock.advance(JOIN_TIMEOUT_MS);
  expect([membership.reachable, hub.channel(topic("video:1"))?.joined]).toEqual([true, true]);
});

test("a topic without a subscriber lingers, then its row goes", async () => {
  const { clock, hub, membership, changes, subscriptions, forgotten } = world();
  membership.begin();
  const channel = hub.open(topic("video:1"));
  const viewer = subscriber();
  channel.add(viewer);
  const joined = membership.join([channel]);
  await clock.advance(LINGER_MS);
  await joined;
  channel.remove(viewer);
  membership.leave(channel);
  await clock.advance(LINGER_MS - 1);
  expect(forgotten).toEqual([]);
  await clock.advance(1);
  expect(forgotten).toEqual([topic("video:1")]);
  expect(subscriptions()).toEqual([
    [topic("video:1"), true],
    [topic("video:1"), false],
  ]);
  expect(changes.map(({ generation }) => generation)).toEqual([1, 2]);
});

test("a new lease puts every row back, the frontend's own included", async () => {
  const { clock, hub, membership, subscriptions, newLease } = world();
  membership.begin();
  const channel = hub.open(topic("video:1"));
  channel.add(subscriber());
  const joined = membership.join([channel]);
  void membership.keepLease();
  await clock.advance(0);
  await joined;
  const first = subscriptions().length;
  await clock.advance(2 * LEASE_RENEW_MS);
  expect(subscriptions()).toHaveLength(first);
  newLease("lease2");
  await clock.advance(LEASE_RENEW_MS);
  expect(subscriptions().slice(first)).toEqual([
    [OWN, true],
    [topic("video:1"), true],
  ]);
  await membership.stop();
  await clock.advance(LEASE_RENEW_MS);
});

test("an event of an unknown topic removes its row; the own topic's row stays", async () => {
  const { clock, membership, subscriptions } = world();
  membership.begin();
  await clock.advance(0);
  membership.unwanted(topic("video:9"));
  membership.unwanted(OWN);
  await clock.advance(0);
  expect(subscriptions()).toEqual([[topic("video:9"), false]]);
});

test("idle topics are forgotten on demand, the oldest first", async () => {
  const { clock, hub, membership, forgotten } = world();
  membership.begin();
  for (const name of ["video:1", "video:2", "video:3"]) {
    const joined = membership.join([hub.open(topic(name))]);
    await clock.advance(1);
    await joined;
  }
  expect(membership.forgetIdle(2)).toBe(2);
  expect(forgotten).toEqual([topic("video:1"), topic("video:2")]);
});
