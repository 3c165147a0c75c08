import { expect, test } from "bun:test";
import { MemorySharedStore } from "@ovation/table";
import { testRateLimiter } from "./rate-limiter.contract.ts";
import { createMemoryRateLimiter } from "./rate-limiter-memory.ts";
import { createRateLimiterOff } from "./rate-limiter-off.ts";
import { createSharedRateLimiter } from "./rate-limiter-shared.ts";

function movingClock() {
  const clock = { at: 1_000_000, now: () => clock.at, after: () => () => undefined };
  return clock;
}

testRateLimiter("memory", async () => {
  const clock = movingClock();
  return {
    limiter: createMemoryRateLimiter({ clock }),
    advance(ms) {
      clock.at += ms;
    },
  };
});

testRateLimiter("shared", async () => {
  const clock = movingClock();
  const shared = new MemorySharedStore(clock);
  const onFailure = (error: unknown) => {
    throw error;
  };
  return {
    limiter: createSharedRateLimiter({ shared, local: createRateLimiterOff(), onFailure }),
    advance(ms) {
      clock.at += ms;
    },
  };
});

test("while the shared store is away each process limits by itself", async () => {
  let failures = 0;
  const limiter = createSharedRateLimiter({
    shared: { take: () => Promise.reject(new Error("away")) },
    local: createMemoryRateLimiter({ clock: movingClock() }),
    onFailure: () => failures++,
  });
  const rule = { burst: 2, perMs: 1_000 };
  const results = [
    await limiter.take("k", 1, rule),
    await limiter.take("k", 1, rule),
    await limiter.take("k", 1, rule),
  ];
  expect(results.map(({ ok }) => ok)).toEqual([true, true, false]);
  expect(failures).toBe(3);
});

test("a flood of keys is bounded: unused keys are evicted, used ones are not", () => {
  const limiter = createMemoryRateLimiter({ clock: movingClock(), keysMax: 100 });
  const rule = { burst: 1_000, perMs: 3_600_000 };
  limiter.take("idle", 1_000, rule);
  let busy = 0;
  for (let key = 0; key < 2_000; key++) {
    limiter.take(`flood ${key}`, 1, rule);
    if (limiter.take("busy", 1, rule).ok) busy++;
  }
  expect(busy).toBe(1_000);
  expect(limiter.take("idle", 1_000, rule)).toEqual({ ok: true });
});

test("off lets everything in", () => {
  const limiter = createRateLimiterOff();
  for (let taken = 0; taken < 100; taken++)
    expect(limiter.take("k", 1, { burst: 1, perMs: 1 })).toEqual({ ok: true });
});
