import { describe, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { PUMP_BYTES_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");

describe("a slow viewer", () => {
  test("gets nothing more until it drains, then continues at its place", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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

  test("past the ring gets the number of lost live events, and all durable ones", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
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

  test("PUMP_BYTES_MAX: gets what waits in several writes", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const slow = new Viewer(frontend, [video]);
    const fast = new Viewer(frontend, [video]);
    await until(() => slow.connection.ready && fast.connection.ready);
    slow.stall();
    const eventBytes = PUMP_BYTES_MAX / 8;
    for (let count = 1; count <= 30; count++) {
      upstream.live(video, "goal", "g".repeat(eventBytes));
      await until(() => fast.of("goal").length === count);
    }
    const before = slow.parts.length;
    slow.drain();
    await until(() => slow.of("goal").length === 30);
    const sizes = slow.parts.slice(before).map(({ length }) => length);
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(PUMP_BYTES_MAX + 2 * eventBytes);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(PUMP_BYTES_MAX);
  });
});
