import { describe, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const other = topic("video:7");

describe("a viewer that returns", () => {
  test("gets what was missed, once and in order, from the history", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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

  test("gets it from the log at another frontend: one read per page for a thousand", async () => {
    const upstream = new ModelUpstream();
    const first = startFrontend(upstream, { name: "frontend1" });
    const viewer = new Viewer(first, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "1");
    await until(() => viewer.of("comment").length === 1);
    await first.stop();
    for (let count = 2; count <= 501; count++)
      upstream.append(video, String(count), { deliver: false });
    const second = startFrontend(upstream, { name: "frontend2" });
    const reads = upstream.calls.read;
    const back = Array.from(
      { length: 1000 },
      () => new Viewer(second, [video], { lastEventId: viewer.lastEventId }),
    );
    // One after another: a look at all of them costs more than what it waits for.
    for (const one of back) await until(() => one.of("comment").length === 500);
    for (const one of back)
      expect(one.seqs(video)).toEqual(Array.from({ length: 500 }, (_, index) => index + 2));
    expect(upstream.calls.read - reads).toBeLessThan(10);
    // Whether their position is believed is asked once as well.
    expect(upstream.calls.wrote).toBeLessThan(10);
  });

  test("with several topics and the last id alone is exact at the same frontend", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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
    const first = startFrontend(upstream, { name: "frontend1" });
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(other, "o1");
    upstream.append(video, "v1");
    await until(() => viewer.of("comment").length === 2);
    await first.stop();
    upstream.append(other, "o2", { deliver: false });
    upstream.append(video, "v2", { deliver: false });
    const second = startFrontend(upstream, { name: "frontend2" });
    const back = new Viewer(second, [video, other], { lastEventId: viewer.lastEventId });
    await until(() => back.of("comment").length >= 2);
    await Bun.sleep(20);
    expect(back.seqs(video)).toEqual([2]);
    expect(back.seqs(other).at(-1)).toBe(2);
  });

  test("cut in the middle of a replay of several topics loses nothing", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, { name: "frontend1", lingerMs: 0 });
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

  test("with a position of another log life gets `recovered: false`, then the head", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, { name: "frontend1", lingerMs: 0 });
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    for (let count = 1; count <= 5; count++) upstream.append(video, count);
    await until(() => viewer.of("comment").length === 5);
    frontend.closed(viewer.connection, "left");
    await until(() => frontend.hub.channels.size === 0);
    upstream.rewind(video, 3, "epoch2");
    for (let count = 4; count <= 9; count++)
      upstream.append(video, `new ${count}`, { deliver: false });
    const back = new Viewer(frontend, [video], { lastEventId: viewer.lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics["video:42"]).toEqual({ head: 9, recovered: false });
    upstream.append(video, "next");
    await until(() => back.of("comment").length === 1);
    expect(back.seqs(video)).toEqual([10]);
  });

  test("with a position of another log life gets false, just after a true", async () => {
    const upstream = new ModelUpstream();
    const first = startFrontend(upstream, { name: "frontend1" });
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    for (let count = 1; count <= 3; count++) upstream.append(other, `o${count}`);
    await until(() => viewer.of("comment").length === 3);
    upstream.append(video, "v1");
    await until(() => viewer.of("comment").length === 4);
    const { lastEventId } = viewer;
    await first.stop();
    upstream.append(video, "v2", { deliver: false });

    // Another client brings the same position just before the backup is restored.
    const frontend = startFrontend(upstream, { name: "frontend2", lingerMs: 0 });
    const before = new Viewer(frontend, [video, other], { lastEventId });
    await until(() => before.received.length > 0);
    expect(before.received[0]?.fields.topics["video:42"]).toMatchObject({ recovered: true });
    frontend.closed(before.connection, "left");
    await until(() => frontend.hub.channels.size === 0);
    upstream.rewind(video, 0, "epoch2");
    for (const data of ["new 1", "new 2"]) upstream.append(video, data, { deliver: false });

    const back = new Viewer(frontend, [video, other], { lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics).toMatchObject({
      "video:42": { head: 2, recovered: false },
    });
  });

  test("with several topics and the last id alone gets false for each lost future", async () => {
    const upstream = new ModelUpstream();
    const first = startFrontend(upstream, { name: "frontend1", reportMs: 10 });
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "v1");
    for (let count = 1; count <= 3; count++) upstream.append(other, `o${count}`);
    await until(() => viewer.of("comment").length === 4);
    for (let count = 4; count <= 5; count++) upstream.append(other, `lost ${count}`);
    await until(() => viewer.of("comment").length === 6);
    await Bun.sleep(30);
    // The last frame is of a topic whose position is in the backup.
    upstream.live(video, "note", { text: "live" });
    await until(() => viewer.of("note").length === 1);
    const { lastEventId } = viewer;
    await first.stop();

    upstream.rewind(other, 3, "epoch2");
    const answers = async (name: string) => {
      const frontend = startFrontend(upstream, { name, reportMs: 10 });
      const back = new Viewer(frontend, [video, other], { lastEventId });
      await until(() => back.received.length > 0);
      return back.received[0]?.fields.topics;
    };
    expect(await answers("frontend2")).toEqual({
      "video:42": { head: 1, recovered: true },
      "video:7": { head: 3, recovered: false },
    });
    for (let count = 4; count <= 9; count++) upstream.append(other, `new ${count}`);
    expect(await answers("frontend3")).toMatchObject({ "video:7": { head: 9, recovered: false } });
  });

  test("with several topics gets the truth from a frontend that ran meanwhile", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, { name: "frontend1", reportMs: 10 });
    const second = startFrontend(upstream, { name: "frontend2", reportMs: 10 });
    const viewer = new Viewer(frontend, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "v1");
    for (let count = 1; count <= 5; count++) upstream.append(other, `o${count}`);
    await until(() => viewer.of("comment").length === 6);
    await Bun.sleep(30);
    upstream.rewind(other, 3, "epoch2");
    // An event in the topic that lost nothing: the viewer has to reconnect, for the other one.
    upstream.append(video, "v2");
    await until(() => viewer.of("reconnect").length === 1);
    expect(viewer.of("reconnect")[0]?.fields).toMatchObject({ reason: "reset" });
    for (const going of [second, frontend]) {
      const back = new Viewer(going, [video, other], { lastEventId: viewer.lastEventId });
      await until(() => back.received.length > 0);
      expect(back.received[0]?.fields.topics["video:7"]).toEqual({ head: 3, recovered: false });
    }
    // All later ids are of the new epoch.
    await until(() => frontend.hub.watermark.reach.map(({ epoch }) => epoch).join() === "epoch2");
    const later = new Viewer(frontend, [video, other]);
    await until(() => later.connection.ready);
    upstream.append(video, "v3");
    upstream.append(other, "new 4");
    await until(() => later.seqs(video).includes(3) && later.seqs(other).includes(4));
    const last = new Viewer(second, [video, other], { lastEventId: later.lastEventId });
    await until(() => last.received.length > 0);
    expect(last.received[0]?.fields.topics).toEqual({
      "video:42": { head: 3, recovered: true },
      "video:7": { head: 4, recovered: true },
    });
  });

  test("with several topics gets all of them after a late event of an earlier life", async () => {
    const upstream = new ModelUpstream();
    const first = startFrontend(upstream, { name: "frontend1", reportMs: 10 });
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    const late = upstream.append(video, "v1");
    await until(() => viewer.of("comment").length === 1);
    // The database started again, and lost nothing.
    upstream.rewind(video, 1, "epoch2");
    const newest = upstream.append(other, "o1");
    const { watermark } = first.hub;
    await until(() => watermark.stamp === newest.place.stamp && watermark.reach.length === 1);
    // A publisher's retry is sent again; whether its life is of this log cannot be asked now.
    upstream.away = true;
    upstream.send([late]);
    await until(() => watermark.reach.length === 2);
    upstream.live(video, "note", { text: "live" });
    await until(() => viewer.of("note").length === 1);
    const { lastEventId } = viewer;
    upstream.away = false;
    await first.stop();

    const second = startFrontend(upstream, { name: "frontend2" });
    const back = new Viewer(second, [video, other], { lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics).toEqual({
      "video:42": { head: 1, recovered: true },
      "video:7": { head: 1, recovered: true },
    });
  });

  test("with several topics gets false for a loss after a report of the restored log", async () => {
    const upstream = new ModelUpstream();
    const first = startFrontend(upstream, { name: "frontend1", reportMs: 10 });
    const viewer = new Viewer(first, [video, other]);
    await until(() => viewer.connection.ready);
    upstream.append(video, "v1");
    await until(() => viewer.of("comment").length === 1);
    // Stored, then lost with the restore; still in flight to this frontend.
    const lost = upstream.append(video, "v2", { deliver: false });
    upstream.rewind(video, 1, "epoch2");
    const newest = upstream.append(other, "o1");
    const { watermark } = first.hub;
    await until(() => watermark.stamp === newest.place.stamp && watermark.reach.length === 1);
    // It arrives, older than the stamp; whether the log holds its epoch cannot be asked now.
    upstream.away = true;
    upstream.send([lost]);
    await until(() => viewer.of("comment").length === 3);
    upstream.append(other, "o2");
    await until(() => viewer.of("comment").length === 4);
    const { lastEventId } = viewer;
    upstream.away = false;
    await first.stop();
    upstream.append(video, "new v2");

    const second = startFrontend(upstream, { name: "frontend2" });
    const back = new Viewer(second, [video, other], { lastEventId });
    await until(() => back.received.length > 0);
    expect(back.received[0]?.fields.topics).toEqual({
      "video:42": { head: 2, recovered: false },
      "video:7": { head: 2, recovered: true },
    });
  });

  test("with a position past retention is told so", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, { name: "frontend1", lingerMs: 0 });
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
