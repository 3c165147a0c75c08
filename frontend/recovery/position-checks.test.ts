import { describe, expect, test } from "bun:test";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { POSITION_CHECK_CACHE_MS, POSITION_CHECKS_CACHED_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { LogReads } from "./log-reads.ts";
import { PositionChecks } from "./position-checks.ts";
import { Watermark } from "./watermark.ts";

const video = topic("video:1");

function createChecks() {
  const upstream = new ModelUpstream();
  const clock = createManualClock();
  const hub = { order: 0, watermark: new Watermark() };
  const checks = new PositionChecks({ upstream, clock, reads: new LogReads(), hub });
  /** A client of a channel that joins now. */
  const join = (address = "10.0.0.1") => ({ address, joinedOrder: hub.order + 1 });
  return { upstream, clock, hub, checks, join };
}

test("POSITION_CHECKS_CACHED_MAX: one more result evicts the oldest", async () => {
  const { upstream, checks, join } = createChecks();
  const asker = join();
  const ask = (seq: number) => checks.wrote(asker, video, seq, "epoch1");
  for (let seq = 1; seq <= POSITION_CHECKS_CACHED_MAX; seq++) await ask(seq);
  await ask(1);
  expect(upstream.calls.wrote).toBe(POSITION_CHECKS_CACHED_MAX);
  await ask(POSITION_CHECKS_CACHED_MAX + 1);
  await ask(2);
  expect(upstream.calls.wrote).toBe(POSITION_CHECKS_CACHED_MAX + 1);
  expect(await ask(1)).toBe("no");
  expect(upstream.calls.wrote).toBe(POSITION_CHECKS_CACHED_MAX + 2);
});

describe("an answer of the log", () => {
  test("serves every client of channels that joined before it was asked", async () => {
    const { upstream, checks, join } = createChecks();
    const { place } = upstream.append(video, "1");
    const [one, other] = [join(), join("10.0.0.2")];
    await Promise.all([
      checks.wrote(one, video, 1, place.epoch),
      checks.wrote(other, video, 1, place.epoch),
    ]);
    expect(await checks.wrote(other, video, 1, place.epoch)).toBe("yes");
    expect(upstream.calls.wrote).toBe(1);
  });

  test("is reused for POSITION_CHECK_CACHE_MS", async () => {
    const { upstream, clock, checks, join } = createChecks();
    const asker = join();
    await checks.headAt(asker, video, 1);
    await clock.advance(POSITION_CHECK_CACHE_MS - 1);
    await checks.headAt(asker, video, 1);
    expect(upstream.calls.headAt).toBe(1);
    await clock.advance(2);
    await checks.headAt(asker, video, 1);
    expect(upstream.calls.headAt).toBe(2);
  });

  test("about a moment that the log reached raises the reach of the watermark", async () => {
    const { upstream, hub, checks, join } = createChecks();
    const { place } = upstream.append(video, "1");
    expect(await checks.reached(join(), { ...place, stamp: place.stamp + 1 })).toBe(false);
    expect(hub.watermark.reach).toEqual([]);
    expect(await checks.reached(join(), place)).toBe(true);
    expect(hub.watermark.reach).toEqual([{ epoch: place.epoch, stamp: place.stamp }]);
  });

  test("about a lost epoch serves no channel that joined after the question", async () => {
    const { upstream, checks, join } = createChecks();
    for (let seq = 1; seq <= 3; seq++) upstream.append(video, seq);
    const { place } = upstream.append(video, 4);
    const askAll = async (asker: ReturnType<typeof join>) => [
      await checks.wrote(asker, video, 4, place.epoch),
      await checks.reached(asker, place),
      (await checks.headAt(asker, video, place.stamp)).seq,
      await checks.firstOf(asker, video),
    ];
    expect(await askAll(join())).toEqual(["yes", true, 4, 1]);
    upstream.rewind(video, 2, "epoch2");
    upstream.first.set(video, 2);
    expect(await askAll(join())).toEqual(["no", false, 2, 2]);
  });

  test("in flight serves no channel that joined after the question", async () => {
    const { upstream, checks, join } = createChecks();
    const { place } = upstream.append(video, "1");
    let answer: () => void = () => undefined;
    const { wrote } = upstream;
    upstream.wrote = async (...question) => {
      const result = await wrote.call(upstream, ...question);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return result;
    };
    const before = checks.wrote(join(), video, 1, place.epoch);
    await settle();
    upstream.rewind(video, 0, "epoch2");
    upstream.wrote = wrote;
    const asker = join();
    expect(await checks.wrote(asker, video, 1, place.epoch)).toBe("no");
    answer();
    expect(await before).toBe("yes");
    // The late answer does not replace the newer one.
    expect(await checks.wrote(asker, video, 1, place.epoch)).toBe("no");
  });
});
