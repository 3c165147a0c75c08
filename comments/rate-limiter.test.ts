import { expect, test } from "bun:test";
import { testRateLimiter } from "./rate-limiter.contract.ts";
import { createMemoryRateLimiter } from "./rate-limiter-memory.ts";
import { createRateLimiterOff } from "./rate-limiter-off.ts";

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

test("a flood of keys is bounded: what was not used lately is forgotten, what is used is not", () => {
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
  for (let taken = 0; taken < 100; taken++) expect(limiter.take("k", 1, { burst: 1, perMs: 1 })).toEqual({ ok: true });
});
