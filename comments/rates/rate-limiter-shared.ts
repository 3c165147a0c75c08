/**
 * The rate limiter of several processes, on their shared store. While that is unreachable each
 * process limits by itself: less strict, and never without service.
 */

import type { RateLimiter } from "./rate-limiter.ts";
import { RATE_OK } from "./rate-limiter.ts";

/** What it needs of the shared store of `table/`. */
export interface SharedBuckets {
  take(
    key: string,
    amount: number,
    limit: number,
    windowMs: number,
  ): Promise<{ readonly ok: boolean; readonly retryAfterMs: number }>;
}

export interface SharedRateLimiterOptions {
  readonly shared: SharedBuckets;
  /** Takes over while the shared store is away. */
  readonly local: RateLimiter;
  onFailure(error: unknown): void;
}

export function createSharedRateLimiter({
  shared,
  local,
  onFailure,
}: SharedRateLimiterOptions): RateLimiter {
  return {
    async take(key, amount, rule) {
      try {
        const { ok, retryAfterMs } = await shared.take(
          `rate ${key}`,
          Math.min(amount, rule.burst),
          rule.burst,
          rule.perMs,
        );
        return ok ? RATE_OK : { ok, retryAfterMs };
      } catch (error) {
        onFailure(error);
        return await local.take(key, amount, rule);
      }
    },
  };
}
