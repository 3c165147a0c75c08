import { describe, expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { LIFETIME_MAX_MS, LIFETIME_MIN_MS } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

test("LIFETIME_MAX_MS: a connection ends at the next heartbeat after it", async () => {
  const clock = createManualClock();
  let drawn = 0;
  const heartbeatMs = 600_000;
  const frontend = newFrontend(new ModelUpstream(), {
    clock,
    random: () => drawn,
    heartbeatMs,
    reportMs: 2 * LIFETIME_MAX_MS,
  });
  frontend.start();
  const first = new Viewer(frontend, [topic("video:1")]);
  drawn = 1;
  const last = new Viewer(frontend, [topic("video:1")]);
  await clock.advance(LIFETIME_MIN_MS - 1000);
  expect([first.ended, last.ended]).toEqual([false, false]);
  await clock.advance(1000 + heartbeatMs / 2);
  expect([first.ended, last.ended]).toEqual([true, false]);
  await clock.advance(LIFETIME_MAX_MS - LIFETIME_MIN_MS - heartbeatMs / 2 - 1000);
  expect(last.ended).toBe(false);
  await clock.advance(1000 + heartbeatMs / 2);
  expect(last.ended).toBe(true);
  expect(frontend.counters).toMatchObject({ closes: { lifetime: 2 } });
  void frontend.stop();
});

test("connections that are opened together end at times spread over the lifetime", async () => {
  const clock = createManualClock();
  const lifetimeMs = { min: 2250, max: 3750 };
  const heartbeatMs = 1000;
  let drawn = 0;
  const count = 50;
  const frontend = newFrontend(new ModelUpstream(), {
    clock,
    random: () => (drawn++ % count) / count,
    heartbeatMs,
    lifetimeMs,
  });
  frontend.start();
  const openedAt = clock.now();
  const viewers = Array.from({ length: count }, () => new Viewer(frontend, [topic("video:1")]));
  const ends = new Map<Viewer, number>();
  while (ends.size < count && clock.now() - openedAt < 10_000) {
    await clock.advance(50);
    for (const viewer of viewers)
      if (viewer.ended && !ends.has(viewer)) ends.set(viewer, clock.now() - openedAt);
  }
  const times = [...ends.values()];
  expect(times).toHaveLength(count);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(lifetimeMs.min);
  // The wheel of heartbeats looks at each connection twice in a heartbeat.
  expect(Math.max(...times)).toBeLessThanOrEqual(lifetimeMs.max + heartbeatMs);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(
    (lifetimeMs.max - lifetimeMs.min) / 2,
  );
  void frontend.stop();
});

describe("where the wall clock is set", () => {
  const HOUR_MS = 3_600_000;
  const heartbeatMs = 2000;
  const stuckMs = 10_000;
  const lifetimeMs = 20_000;

  function start() {
    const steady = createManualClock();
    let skewMs = 0;
    const clock = { ...steady, now: () => steady.now() + skewMs };
    const frontend = newFrontend(new ModelUpstream(), {
      clock,
      steady,
      heartbeatMs,
      stuckMs,
      lifetimeMs: { min: lifetimeMs, max: lifetimeMs },
    });
    frontend.start();
    const set = (ms: number) => {
      skewMs = ms;
    };
    return { steady, clock, frontend, set };
  }

  for (const [way, skewMs] of [
    ["back", -HOUR_MS],
    ["forward", HOUR_MS],
  ] as const) {
    test(`${way} by an hour, a connection ends when its lifetime is over`, async () => {
      const { steady, frontend, set } = start();
      const viewer = new Viewer(frontend, [topic("video:1")]);
      await steady.advance(1000);
      set(skewMs);
      await steady.advance(lifetimeMs - 2000);
      expect(viewer.ended).toBe(false);
      await steady.advance(1000 + heartbeatMs);
      expect(viewer.ended).toBe(true);
      expect(frontend.counters).toMatchObject({ closes: { lifetime: 1 } });
      void frontend.stop();
    });

    test(`${way} by an hour, a write that stays pending is cut when its time is over`, async () => {
      const { steady, frontend, set } = start();
      const viewer = new Viewer(frontend, [topic("video:1")]);
      await steady.advance(10);
      viewer.stall();
      frontend.hub.pump.pend(viewer.connection, new Promise(() => undefined));
      await steady.advance(1000);
      set(skewMs);
      await steady.advance(stuckMs - 2000);
      expect(viewer.connection.closed).toBe(false);
      await steady.advance(1000 + heartbeatMs);
      expect(frontend.counters).toMatchObject({ closes: { stuck: 1 } });
      void frontend.stop();
    });
  }

  test("forward beyond its token's expiry, a connection ends at the next heartbeat", async () => {
    const { steady, clock, frontend, set } = start();
    const identity = { sub: "alice", expiresAt: clock.now() + HOUR_MS } as Identity;
    const viewer = new Viewer(frontend, [topic("video:1")], { identity });
    await steady.advance(1000);
    set(2 * HOUR_MS);
    await steady.advance(heartbeatMs);
    expect(viewer.ended).toBe(true);
    expect(frontend.counters).toMatchObject({ closes: { "token-expired": 1 } });
    void frontend.stop();
  });
});
