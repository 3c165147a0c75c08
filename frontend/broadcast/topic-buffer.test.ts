/** What waits for a topic's next batch is bounded: at the bound nothing is lost silently. */

import { heapStats } from "bun:jsc";
import { afterEach, expect, test } from "bun:test";
import {
  createPendingCounts,
  DEFAULT_POLICY,
  type Event,
  type Json,
  policyOf,
  toJsonText,
} from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import {
  HELD_BYTES_MAX,
  HELD_EVENTS_MAX,
  PENDING_DURABLE_BYTES_MAX,
  PENDING_DURABLE_EVENTS_MAX,
  PENDING_LIVE_BYTES_MAX,
  PENDING_LIVE_EVENTS_MAX,
  RING_BYTES_MAX,
} from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";
import { ChannelKinds } from "./channel-kinds.ts";
import { TopicBuffer } from "./topic-buffer.ts";

const video = topic("video:1");
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

function open(reportMs = 20): { readonly upstream: ModelUpstream; readonly frontend: Frontend } {
  const upstream = new ModelUpstream();
  const frontend = newFrontend(upstream, { reportMs });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return { upstream, frontend };
}

function goals(from: number, count: number, data: Json = 1): Event[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: video,
    type: "goal",
    at: from + index,
    data: toJsonText(data),
  }));
}

function lostOf(viewer: Viewer): number {
  return viewer.of("gap").reduce((sum, { fields }) => sum + fields.lost, 0);
}

test("of a burst beyond the bound a viewer gets the newest, and a gap", async () => {
  // No report within the test: the `stats` event that it brings takes the place of one event.
  const { upstream, frontend } = open(60_000);
  const viewers = [new Viewer(frontend, [video]), new Viewer(frontend, [video], { zstd: true })];
  await until(() => viewers.every(({ connection }) => connection.ready));
  const sent = 4 * PENDING_LIVE_EVENTS_MAX;
  for (let at = 1; at <= sent; at += 1000) upstream.send(goals(at, 1000));
  for (const viewer of viewers) {
    await until(() => viewer.of("goal").length > 0);
    expect(viewer.of("goal")).toHaveLength(PENDING_LIVE_EVENTS_MAX);
    const [gap] = viewer.of("gap");
    expect(gap).toMatchObject({
      topic: video,
      data: { lost: sent - PENDING_LIVE_EVENTS_MAX, from: 1, to: 30_000, reason: "busy" },
    });
  }
  expect(frontend.counters.pending).toMatchObject({
    droppedFull: sent - PENDING_LIVE_EVENTS_MAX,
    durable: { droppedFull: 0 },
  });
  // A gap is no publisher's event: the balance of the hops holds.
  expect(frontend.counters.dispatched).toBe(sent);
});

test("bytes are bounded as well", async () => {
  const { upstream, frontend } = open();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  const bytes = 60_000;
  const sent = Math.ceil((2 * PENDING_LIVE_BYTES_MAX) / bytes);
  upstream.send(goals(1, sent, "x".repeat(bytes)));
  await until(() => viewer.of("goal").length > 0);
  expect(viewer.of("goal").length).toBeLessThan(PENDING_LIVE_BYTES_MAX / bytes);
  expect(viewer.of("goal").length + lostOf(viewer)).toBe(sent);
});

test("a slow viewer that skips over a gap is told of what that gap said, too", async () => {
  const { upstream, frontend } = open();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  upstream.send(goals(1, 1));
  await until(() => viewer.of("goal").length === 1);
  viewer.stall();
  upstream.send(goals(2, 1));
  await until(() => viewer.of("goal").length === 2);
  const burst = PENDING_LIVE_EVENTS_MAX + 500;
  upstream.send(goals(3, burst));
  await Bun.sleep(20);
  const rounds = 4;
  for (let round = 0; round < rounds; round++) {
    upstream.send(goals(100_000 + round, 20, "y".repeat(RING_BYTES_MAX / 16)));
    await Bun.sleep(20);
  }
  viewer.drain();
  await until(() => viewer.of("gap").length > 0);
  await Bun.sleep(20);
  expect(viewer.of("goal").length + lostOf(viewer)).toBe(2 + burst + rounds * 20);
});

test("durable events beyond the bound are left to the log, and arrive all, in order", async () => {
  const { upstream, frontend } = open();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  const sent = PENDING_DURABLE_EVENTS_MAX + 300;
  const events = Array.from({ length: sent }, (_, index) =>
    upstream.append(video, index, { deliver: false }),
  );
  frontend.dispatch(events);
  // The others are ahead of it now, and held.
  expect(frontend.counters.pending.durable.droppedFull).toBe(1);
  await until(() => viewer.seqs(video).length === sent);
  expect(viewer.seqs(video)).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
});

test("durable events beyond the bound of bytes are left to the log as well", async () => {
  const { upstream, frontend } = open();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  const text = "x".repeat(60_000);
  const sent = Math.ceil(PENDING_DURABLE_BYTES_MAX / text.length) + 20;
  frontend.dispatch(
    Array.from({ length: sent }, () => upstream.append(video, text, { deliver: false })),
  );
  expect(frontend.counters.pending.durable.droppedFull).toBe(1);
  await until(() => viewer.seqs(video).length === sent);
  expect(viewer.seqs(video)).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
});

test("events ahead of a missing number are held up to a bound", async () => {
  const { upstream, frontend } = open();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  upstream.append(video, 0, { deliver: false });
  const ahead = Array.from({ length: HELD_EVENTS_MAX + 50 }, (_, index) =>
    upstream.append(video, index + 1, { deliver: false }),
  );
  frontend.dispatch(ahead);
  expect(frontend.counters.pending.durable.droppedFull).toBe(50);
  await until(() => viewer.seqs(video).length === ahead.length + 1);
  expect(viewer.seqs(video)).toEqual(ahead.map((_, index) => index + 1).concat(ahead.length + 1));
  const text = "x".repeat(60_000);
  upstream.append(video, "missing", { deliver: false });
  const large = Array.from({ length: Math.ceil(HELD_BYTES_MAX / text.length) + 5 }, () =>
    upstream.append(video, text, { deliver: false }),
  );
  frontend.dispatch(large);
  expect(frontend.counters.pending.durable.droppedFull).toBeGreaterThanOrEqual(55);
  await until(() => viewer.seqs(video).length === ahead.length + 2 + large.length);
});

function personalBuffer(): () => TopicBuffer {
  const policy = policyOf(DEFAULT_POLICY, topic("member:1"));
  if (policy === undefined) throw new Error("no kind");
  const kind = new ChannelKinds(createPendingCounts()).of(policy);
  const batched = { seq: 0, epoch: "" };
  return () => new TopicBuffer(kind, batched);
}

test("one event of a personal topic waits without an object beside the buffer", () => {
  const create = personalBuffer();
  const buffers = Array.from({ length: 2000 }, create);
  const [event] = goals(1, 1);
  const objects = (): number => {
    Bun.gc(true);
    const { Object: plain = 0, Array: lists = 0 } = heapStats().objectTypeCounts;
    return plain + lists;
  };
  const before = objects();
  for (const buffer of buffers) if (event !== undefined) buffer.wait(event, 1);
  expect((objects() - before) / buffers.length).toBeLessThan(0.1);
  expect(buffers.every((buffer) => buffer.isWaiting && buffer.hasDue(1) && !buffer.isSpent)).toBe(
    true,
  );
});

test("an event that waits alone goes first when others come, and nothing is left behind", () => {
  const buffer = personalBuffer()();
  const events = goals(1, 3);
  for (const event of events) buffer.wait(event, 1);
  expect(buffer.takeDue(1)).toEqual(events);
  expect([buffer.isSpent, buffer.dueAt()]).toEqual([true, undefined]);
  for (const event of events.slice(0, 1)) buffer.wait(event, 2);
  expect(buffer.takeDue(2)).toEqual(events.slice(0, 1));
  expect([buffer.isSpent, buffer.dueAt()]).toEqual([true, undefined]);
});
