import { expect, test } from "bun:test";
import { settle } from "../testing/manual-clock.ts";
import { HOLE_WAIT_MS, PULLS_MAX, REPLAY_WAIT_MS } from "./limits.ts";
import { createHarness, stateNames } from "./testing/harness.ts";
import { comment, record } from "./testing/record.ts";

test("after a cut it returns with the position of each topic and misses nothing", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  harness.client.subscribe("video:2", handlers);
  await settle();
  comment(harness, "video:1");
  harness.network.cut();
  comment(harness, "video:1");
  comment(harness, "video:2");
  await harness.clock.advance(500);
  expect(lines).toEqual(["subscribed 0", "subscribed 0", "comment 1", "comment 2", "comment 1"]);
  expect(stateNames(harness).slice(-3)).toEqual([
    "waiting/network",
    "connecting/retry",
    "connected/opened",
  ]);
});

test("a topic added by PUT returns with the position of its response", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  comment(harness, "video:2");
  harness.client.subscribe("video:1", {});
  await settle();
  harness.client.subscribe("video:2", handlers);
  await settle();
  harness.network.cut();
  comment(harness, "video:2");
  await harness.clock.advance(500);
  expect(lines).toEqual(["subscribed 1", "comment 2"]);
});

test("what cannot be recovered is reported, and the stream resumes from the head", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.model.kept = 1;
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.network.cut();
  for (let count = 0; count < 3; count++) comment(harness);
  await harness.clock.advance(500);
  comment(harness);
  expect(lines).toEqual(["subscribed 0", "reset 3", "comment 4"]);
});

test("a restored backup is noticed by its epoch, on return and while connected", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  for (let count = 0; count < 3; count++) comment(harness);
  harness.model.restore("video:1", 1, "e2");
  comment(harness);
  await harness.clock.advance(3 * HOLE_WAIT_MS);
  comment(harness);
  expect(lines).toEqual([
    "subscribed 0",
    "comment 1",
    "comment 2",
    "comment 3",
    "reset 2",
    "comment 3",
  ]);
});

test("a missing event that comes by itself is waited for, without a new connection", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.model.broadcasts = () => false;
  const late = harness.model.publish("video:1", "comment", {});
  harness.model.broadcasts = () => true;
  comment(harness);
  await harness.clock.advance(HOLE_WAIT_MS / 2);
  expect(lines).toEqual(["subscribed 0"]);
  harness.model.broadcast(late);
  expect(lines).toEqual(["subscribed 0", "comment 1", "comment 2"]);
  await harness.clock.advance(5 * HOLE_WAIT_MS);
  expect(harness.network.connects).toHaveLength(1);
});

test("a missing event that does not come is pulled", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.model.broadcasts = ({ seq }) => seq !== 1;
  comment(harness);
  comment(harness);
  await harness.clock.advance(2 * HOLE_WAIT_MS);
  expect(lines).toEqual(["subscribed 0", "comment 1", "comment 2"]);
  expect(stateNames(harness).slice(-2)).toEqual(["connecting/missed-events", "connected/opened"]);
});

test("a lost last event is seen through the announced head", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.model.broadcasts = ({ type }) => type === "stats";
  comment(harness);
  harness.model.publish("video:1", "stats", { viewers: 1, head: 1 }, false);
  await harness.clock.advance(2 * HOLE_WAIT_MS);
  expect(lines).toEqual(["subscribed 0", "comment 1"]);
});

test("events that never come are given up after some pulls, and reported", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.model.broadcasts = ({ seq }) => seq !== 1;
  harness.network.replays = () => false;
  comment(harness);
  comment(harness);
  for (let waited = 0; waited < (PULLS_MAX + 1) * REPLAY_WAIT_MS * 1.25; waited += 10_000) {
    await harness.clock.advance(10_000);
    harness.network.beat();
  }
  expect(lines).toEqual(["subscribed 0", "reset 2"]);
  expect(harness.network.connects).toHaveLength(PULLS_MAX + 1);
  comment(harness);
  expect(lines.at(-1)).toBe("comment 3");
});
