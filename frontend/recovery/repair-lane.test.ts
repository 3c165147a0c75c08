import { describe, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");

describe("the repair lane", () => {
  test("pulls a missing number once for all viewers, and sends all events in order", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    await until(() => upstream.calls.report > 1);
    upstream.append(video, "lost", { deliver: false });
    await until(() => viewer.of("comment").length === 1);
  });

  test("continues after the log was unreachable for a while", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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
    const frontend = startFrontend(upstream);
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
