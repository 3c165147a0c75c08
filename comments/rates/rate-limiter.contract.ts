/** What every form of the rate limiter keeps to. */

import { describe, expect, test } from "bun:test";
import type { RateLimiter, RateRule } from "./rate-limiter.ts";

const RULE: RateRule = { burst: 5, perMs: 10_000 };
let number = 0;

/** `advance` moves the limiter's clock. */
export function testRateLimiter(
  name: string,
  open: () => Promise<{ limiter: RateLimiter; advance(ms: number): void }>,
): void {
  describe(`rate limiter: ${name}`, () => {
    test("a burst is admitted; the next one gets a retry time, and is admitted then", async () => {
      const { limiter, advance } = await open();
      const key = `k${++number}`;
      for (let taken = 0; taken < 5; taken++)
        expect(await limiter.take(key, 1, RULE)).toEqual({ ok: true });
      const refused = await limiter.take(key, 1, RULE);
      expect(refused).toEqual({ ok: false, retryAfterMs: 2_000 });
      expect(await limiter.take(`k${++number}`, 1, RULE)).toEqual({ ok: true });
      advance(1_999);
      expect((await limiter.take(key, 1, RULE)).ok).toBe(false);
      advance(1);
      expect(await limiter.take(key, 1, RULE)).toEqual({ ok: true });
      expect((await limiter.take(key, 1, RULE)).ok).toBe(false);
    });

    test("amounts count, and one above the burst counts as the burst", async () => {
      const { limiter, advance } = await open();
      const key = `k${++number}`;
      expect((await limiter.take(key, 4, RULE)).ok).toBe(true);
      expect((await limiter.take(key, 2, RULE)).ok).toBe(false);
      advance(20_000);
      expect((await limiter.take(key, 50, RULE)).ok).toBe(true);
      expect((await limiter.take(key, 1, RULE)).ok).toBe(false);
    });

    test("a full key has a burst again, not more", async () => {
      const { limiter, advance } = await open();
      const key = `k${++number}`;
      await limiter.take(key, 1, RULE);
      advance(1_000_000);
      const results = [];
      for (let taken = 0; taken < 8; taken++) results.push((await limiter.take(key, 1, RULE)).ok);
      expect(results.filter(Boolean)).toHaveLength(5);
    });
  });
}
