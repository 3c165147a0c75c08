import { describe, expect, test } from "bun:test";
import { until } from "../testing/until.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const other = topic("video:7");

describe("a connection", () => {
  test("is told its id and where each topic stands, then gets every later event", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video, other]);
    await until(() => viewer.connection.ready);
    const before = viewer.writes;
    upstream.append(video, "a");
    upstream.append(other, "b");
    await until(() => viewer.of("comment").length === 2);
    expect(viewer.writes).toBe(before + 1);
  });

  test("sees no total fall, whatever order counts of several processes arrive in", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    for (const like of [10, 7, 12, 11]) {
      const seen = viewer.of("likes").length;
      upstream.live(video, "likes", { like: 1, total: { like, love: 20 - like } });
      await until(() => viewer.of("likes").length > seen, "the next count");
    }
    const totals = viewer.of("likes").map(({ fields }) => fields.total);
    expect(totals.map(({ like }) => like)).toEqual([10, 10, 12, 12]);
    expect(totals.map((total) => Object(total).love)).toEqual([10, 13, 13, 13]);
    expect(viewer.of("likes").map(({ fields }) => fields.like)).toEqual([1, 1, 1, 1]);
  });

  test("gets likes added up, and not more often than the policy says", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video], { zstd: true });
    await until(() => viewer.connection.ready);
    for (let count = 0; count < 20; count++)
      upstream.append(video, `a comment that is long enough to be compressed, number ${count}`);
    await until(() => viewer.of("comment").length === 20);
    expect(viewer.seqs(video)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

test("a drain asks each viewer to reconnect at a random time, and ends streams", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  const viewers = Array.from({ length: 20 }, () => new Viewer(frontend, [video]));
  await until(() => viewers.every((viewer) => viewer.connection.ready));
  await frontend.drain(200, 2000);
  expect(frontend.connections.size).toBe(0);
  const waits = viewers.map((viewer) => viewer.of("reconnect")[0]?.fields.afterMs);
  expect(new Set(waits).size).toBeGreaterThan(5);
  expect(viewers.every((viewer) => viewer.ended)).toBe(true);
});
