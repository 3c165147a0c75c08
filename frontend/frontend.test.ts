import { afterEach, describe, expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import type { Frontend } from "./frontend.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { newFrontend } from "./testing/new-frontend.ts";
import { until, Viewer } from "./testing/viewer.ts";

const video = topic("video:42");
const other = topic("video:7");
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

function frontendOn(
  upstream: ModelUpstream,
  id = "frontend1",
  options: { readonly lingerMs?: number } = {},
): Frontend {
  const frontend = newFrontend(upstream, {
    name: id,
    reportMs: 20,
    lingerMs: options.lingerMs ?? 10_000,
  });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return frontend;
}

const alice: Identity = {
  sub: "alice",
  name: "Alice",
  role: "member",
  videoRoles: {},
  subscribe: [],
  publish: [],
};

describe("a connection", () => {
  test("is told its id and where each topic stands, then gets every later event", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    upstream.append(video, "before");
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.received.length > 0);
    expect(viewer.received[0]).toMatchObject({
      type: "connection",
      data: { topics: { "video:42": { head: 1, recovered: true } } },
    });
    upstream.append(video, "after");
    upstream.live(video, "goal", { minute: 3 });
    await until(() => viewer.of("goal").length > 0);
    expect(viewer.of("comment").map(({ seq, data }) => [seq, data])).toEqual([[2, "after"]]);
    expect(viewer.of("goal")[0]?.seq).toBeUndefined();
  });

  test("gets events of several topics that fall due together in one write", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video, other]);
    await until(() => viewer.connection.ready);
    const before = viewer.writes;
    upstream.append(video, "a");
    upstream.append(other, "b");
    await until(() => viewer.of("comment").length === 2);
    expect(viewer.writes).toBe(before + 1);
  });

  test("gets likes added up, and not more often than the policy says", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    for (let count = 1; count <= 50; count++) {
      upstream.live(video, "likes", { like: 1, total: { like: count } });
      await Bun.sleep(2);
    }
    await until(
      () => viewer.of("likes").reduce((sum, { fields }) => sum + fields.like, 0) === 50,
      "all likes",
    );
    expect(viewer.of("likes").at(-1)?.fields.total.like).toBe(50);
    expect(viewer.of("likes").length).toBeLessThan(12);
  });

  test("reads the same events compressed", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video], { zstd: true });
    await until(() => viewer.connection.ready);
    for (let count = 0; count < 20; count++)
      upstream.append(video, `a comment that is long enough to be compressed, number ${count}`);
    await until(() => viewer.of("comment").length === 20);
    expect(viewer.seqs(video)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

describe("the repair lane", () => {
  test("pulls a number that did not arrive, once for all viewers, and sends everything in order", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewers = Array.from({ length: 50 }, () => new Viewer(frontend, [video]));
    await until(() => viewers.every((viewer) => viewer.connection.ready));
    const reads = upstream.calls.read;
    upstream.append(video, "1");
    upstream.append(video, "2", { deliver: false });
    upstream.append(video, "3");
    await until(() => viewers.every((viewer) => viewer.of("comment").length === 3));
    for (const viewer of viewers) expect(viewer.seqs(video)).toEqual([1, 2, 3]);
    expect(upstream.calls.read - reads).toBe(1);
  });

  test("sees a lost last event by the announced head", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    await until(() => upstream.calls.report > 1);
    upstream.append(video, "lost", { deliver: false });
    await until(() => viewer.of("comment").length === 1);
  });

  test("goes on when the log was away for a while", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "1", { deliver: false });
    upstream.away = true;
    upstream.append(video, "2");
    await Bun.sleep(60);
    expect(viewer.of("comment")).toEqual([]);
    upstream.away = false;
    await until(() => viewer.of("comment").length === 2);
    expect(viewer.seqs(video)).toEqual([1, 2]);
  });

  test("drops what arrives twice", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    const event = upstream.append(video, "once");
    upstream.send([event, event]);
    upstream.append(video, "then");
    await until(() => viewer.of("comment").length === 2);
    expect(viewer.seqs(video)).toEqual([1, 2]);
    expect(frontend.counters.repeated).toBe(2);
  });
});

describe("whoever returns", () => {
  test("gets what was missed, once and in order, from the history", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const stays = new Viewer(frontend, [video]);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready && stays.connection.ready);
    upstream.append(video, "1");
    await until(() => viewer.of("comment").length === 1);
    frontend.closed(viewer.connection, "left");
    for (let count = 2; count <= 30; count++) upstream.append(video, String(count));
    await until(() => stays.of("comment").length === 30);
    const reads = upstream.calls.read;
    const back = new Viewer(frontend, [video], { lastEventId: viewer.lastEventId });
    await until(() => back.of("comment").length === 29);
    expect(back.seqs(video)).toEqual(Array.from({ length: 29 }, (_, index) => index + 2));
    expect(back.received[0]?.fields.topics["video:42"]).toEqual({ head: 30, recovered: true });
    expect(upstream.calls.read).toBe(reads);
  });

  test("gets it from the log at another frontend: one read a page for a thousand of them", async () => {
    const upstream = new ModelUpstream();
    const first = frontendOn(upstream, "frontend1");
    const viewer = new Viewer(first, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "1");
    await until(() => viewer.of("comment").length === 1);
    await first.stop();
    for (let count = 2; count <= 501; count++)
      upstream.append(video, String(count), { deliver: false });
    const second = frontendOn(upstream, "frontend2");
    const reads = upstream.calls.read;
    const back = Array.from(
      { length: 1000 },
      () => new Viewer(second, [video], { lastEventId: viewer.lastEventId }),
    );
    await until(() => back.every((one) => one.of("comment").length === 500));
    for (const one of back)
      expect(one.seqs(video)).toEqual(Array.from({ length: 500 }, (_, index) => index + 2));
    expect(upstream.calls.read - reads).toBeLessThan(10);
    // Whether their position is believed is asked once as well.
    expect(upstream.calls.wrote).toBeLessThan(10);
  });

  test("with several topics and the last id alone misses nothing and gets nothing twice at the same frontend", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(other, "o1");
    upstream.append(video, "v1");
    upstream.append(other, "o2");
    upstream.append(video, "v2");
    await until(() => viewer.of("comment").length === 4);
    frontend.closed(viewer.connection, "left");
    upstream.append(video, "v3");
    upstream.append(other, "o3");
    await Bun.sleep(20);
    const back = new Viewer(frontend, [video, other], { lastEventId: viewer.lastEventId });
    await until(() => back.of("comment").length >= 2);
    await Bun.sleep(20);
    expect(back.seqs(video)).toEqual([3]);
    expect(back.seqs(other)).toEqual([3]);
  });

  test("with several topics and the last id alone misses nothing at another frontend", async () => {
    const upstream = new ModelUpstream();
    const first = frontendOn(upstream, "frontend1");
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(other, "o1");
    upstream.append(video, "v1");
    await until(() => viewer.of("comment").length === 2);
    await first.stop();
    upstream.append(other, "o2", { deliver: false });
    upstream.append(video, "v2", { deliver: false });
    const second = frontendOn(upstream, "frontend2");
    const back = new Viewer(second, [video, other], { lastEventId: viewer.lastEventId });
    await until(() => back.of("comment").length >= 2);
    await Bun.sleep(20);
    expect(back.seqs(video)).toEqual([2]);
    expect(back.seqs(other).at(-1)).toBe(2);
  });

  test("cut in the middle of a replay of several topics loses nothing", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream, "frontend1", { lingerMs: 0 });
    const viewer = new Viewer(frontend, [video, other]);
    await until(() => viewer.connection.ready);
    frontend.closed(viewer.connection, "left");
    await until(() => frontend.hub.channels.size === 0);
    for (let count = 1; count <= 250; count++) {
      upstream.append(video, count, { deliver: false });
      upstream.append(other, count, { deliver: false });
    }
    const cut = new Viewer(frontend, [video, other], { lastEventId: viewer.lastEventId });
    cut.stall();
    await until(() => cut.of("comment").length > 0);
    const seen = { video: cut.seqs(video).length, other: cut.seqs(other).length };
    expect(seen.video + seen.other).toBeLessThan(500);
    frontend.closed(cut.connection, "left");
    const back = new Viewer(frontend, [video, other], { lastEventId: cut.lastEventId });
    await until(
      () => back.seqs(video).length + back.seqs(other).length === 500 - seen.video - seen.other,
    );
    expect(back.seqs(video)[0]).toBe(seen.video + 1);
    expect(back.seqs(other)[0]).toBe(seen.other + 1);
  });

  test("with a position of another log life is told so, and goes on from the head", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream, "frontend1", { lingerMs: 0 });
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    for (let count = 1; count <= 5; count++) upstream.append(video, count);
    await until(() => viewer.of("comment").length === 5);
    frontend.closed(viewer.connection, "left");
    await until(() => frontend.hub.channels.size === 0);
    upstream.rewind(video, 3, "life2");
    for (let count = 4; count <= 9; count++)
      upstream.append(video, `new ${count}`, { deliver: false });
    const back = new Viewer(frontend, [video], { lastEventId: viewer.lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics["video:42"]).toEqual({ head: 9, recovered: false });
    upstream.append(video, "next");
    await until(() => back.of("comment").length === 1);
    expect(back.seqs(video)).toEqual([10]);
  });

  test("with a position past retention is told so", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream, "frontend1", { lingerMs: 0 });
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "1");
    await until(() => viewer.of("comment").length === 1);
    frontend.closed(viewer.connection, "left");
    await until(() => frontend.hub.channels.size === 0);
    for (let count = 2; count <= 20; count++) upstream.append(video, count, { deliver: false });
    upstream.first.set(video, 10);
    const back = new Viewer(frontend, [video], { lastEventId: viewer.lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics["video:42"]).toEqual({ head: 20, recovered: false });
  });
});

describe("a slow viewer", () => {
  test("gets nothing more until it drains, then goes on from its place", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const slow = new Viewer(frontend, [video]);
    const fast = new Viewer(frontend, [video]);
    await until(() => slow.connection.ready && fast.connection.ready);
    slow.stall();
    for (let count = 1; count <= 20; count++) {
      upstream.append(video, count);
      await Bun.sleep(1);
    }
    await until(() => fast.of("comment").length === 20);
    expect(slow.of("comment").length).toBeLessThan(20);
    expect(frontend.counters.slow).toBe(1);
    slow.drain();
    await until(() => slow.of("comment").length === 20);
    expect(slow.seqs(video)).toEqual(fast.seqs(video));
    expect(slow.of("gap")).toEqual([]);
    expect(frontend.counters.slow).toBe(0);
  });

  test("past the ring is told how many live events it lost, and loses no durable one and no like", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const slow = new Viewer(frontend, [video]);
    const fast = new Viewer(frontend, [video]);
    await until(() => slow.connection.ready && fast.connection.ready);
    upstream.live(video, "likes", { like: 5, total: { like: 5 } });
    await until(() => slow.of("likes").length === 1);
    slow.stall();
    upstream.append(video, "the write that does not drain");
    for (let count = 1; count <= 300; count++) {
      // So large that the ring cannot hold them all.
      upstream.live(video, "goal", "g".repeat(4096));
      if (count % 3 === 0) upstream.append(video, count);
      if (count % 10 === 0)
        upstream.live(video, "likes", { like: 1, total: { like: 5 + count / 10 } });
      await until(() => fast.of("goal").length === count);
    }
    await until(
      () =>
        fast.of("comment").length === 101 &&
        fast.of("likes").reduce((sum, { fields }) => sum + fields.like, 0) === 35,
    );
    slow.drain();
    await until(() => slow.of("comment").length === 101);
    expect(slow.seqs(video)).toEqual(fast.seqs(video));
    const gap = slow.of("gap");
    expect(gap.length).toBe(1);
    expect(gap[0]?.fields.reason).toBe("slow");
    expect(slow.of("goal").length + (gap[0]?.fields.lost ?? 0)).toBe(300);
    expect(slow.of("likes").reduce((sum, { fields }) => sum + fields.like, 0)).toBe(35);
    expect(slow.of("likes").at(-1)?.fields.total.like).toBe(35);
  });
});

describe("subscriptions of an open connection", () => {
  test("can be added: once answered, every later event arrives", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(other, "before");
    const change = { connection: viewer.connection.id, add: [other], remove: [], sub: "" };
    expect(await frontend.changeHere(change)).toMatchObject({
      ok: true,
      heads: [{ topic: other, seq: 1 }],
    });
    upstream.append(other, "after");
    await until(() => viewer.seqs(other).length === 1);
    expect(viewer.seqs(other)).toEqual([2]);
    expect(await frontend.changeHere(change)).toMatchObject({ ok: true });
    await frontend.changeHere({ ...change, add: [], remove: [other] });
    upstream.append(other, "not for us");
    upstream.append(video, "for us");
    await until(() => viewer.seqs(video).length === 1);
    expect(viewer.seqs(other)).toEqual([2]);
  });

  test("that are numbered end as the last one says, in whatever order they arrive", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    const change = { connection: viewer.connection.id, add: [], remove: [], sub: "" };
    const topics = () => viewer.connection.subscriptions.map(({ channel }) => channel.topic);
    expect(await frontend.changeHere({ ...change, add: [other], order: 3 })).toMatchObject({
      ok: true,
    });
    // A removal that hung on its way, and one more copy of what was done.
    expect(await frontend.changeHere({ ...change, remove: [other], order: 2 })).toEqual({
      ok: false,
      error: "superseded",
    });
    expect(await frontend.changeHere({ ...change, add: [other], order: 3 })).toMatchObject({
      ok: true,
    });
    expect(topics()).toEqual([video, other]);
    // One that waits for the table while a later one is made.
    const late = frontend.changeHere({ ...change, add: ["video:late" as typeof video], order: 4 });
    expect(await frontend.changeHere({ ...change, remove: [other], order: 5 })).toMatchObject({
      ok: true,
    });
    expect(await late).toEqual({ ok: false, error: "superseded" });
    expect(topics()).toEqual([video]);
  });

  test("of a member cannot be changed by somebody who only knows the connection's id", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream);
    const viewer = new Viewer(frontend, [video], { identity: alice });
    await until(() => viewer.connection.ready);
    const change = { connection: viewer.connection.id, add: [other], remove: [] };
    expect(await frontend.changeHere({ ...change, sub: "" })).toEqual({
      ok: false,
      error: "forbidden",
    });
    expect(await frontend.changeHere({ ...change, sub: "bob" })).toEqual({
      ok: false,
      error: "forbidden",
    });
    expect(await frontend.changeHere({ ...change, sub: "alice" })).toMatchObject({ ok: true });
  });

  test("leave the table when the last viewer has gone, after a while", async () => {
    const upstream = new ModelUpstream();
    const frontend = frontendOn(upstream, "frontend1", { lingerMs: 10 });
    const viewer = new Viewer(frontend, [video]);
    await until(() => upstream.subscribed.has(video));
    frontend.closed(viewer.connection, "left");
    await until(() => !upstream.subscribed.has(video));
    expect(frontend.hub.channels.size).toBe(0);
  });
});

test("a drain asks everybody to come back, each after a random time, and ends every stream", async () => {
  const upstream = new ModelUpstream();
  const frontend = frontendOn(upstream);
  const viewers = Array.from({ length: 20 }, () => new Viewer(frontend, [video]));
  await until(() => viewers.every((viewer) => viewer.connection.ready));
  await frontend.drain(200, 2000);
  expect(frontend.connections.size).toBe(0);
  const waits = viewers.map((viewer) => viewer.of("reconnect")[0]?.fields.afterMs);
  expect(new Set(waits).size).toBeGreaterThan(5);
  expect(viewers.every((viewer) => viewer.ended)).toBe(true);
});
