/**
 * The rate limiter of one process: the generic cell rate algorithm, one number per key, namely the
 * moment at which the key is full again. (ITU-T I.371, the virtual scheduling form.)
 */

import type { Clock } from "@ovation/protocol";
import { RATE_LIMITER_KEYS_MAX } from "../limits.ts";
import { RATE_OK, type RateLimiter, type RateResult, type RateRule } from "./rate-limiter.ts";

/** Answers at once, always. */
export interface MemoryRateLimiter extends RateLimiter {
  /** Keys that are remembered. */
  readonly size: number;
  take(key: string, amount: number, rule: RateRule): RateResult;
}

export interface MemoryRateLimiterOptions {
  readonly clock: Clock;
  /** Keys remembered at most. */
  readonly keysMax?: number;
}

export function createMemoryRateLimiter(options: MemoryRateLimiterOptions): MemoryRateLimiter {
  const { clock } = options;
  // Two generations instead of an LRU: a full young one becomes the old one, and the old one is
  // dropped whole. Constant work, no list, no sweep. They also change by time: a key without use
  // for the longest `perMs` is full again.
  const generationMax = Math.max(1, Math.floor((options.keysMax ?? RATE_LIMITER_KEYS_MAX) / 2));
  let young = new Map<string, number>();
  let old = new Map<string, number>();

  let perMsMax = 0;
  let isTimed = false;

  function turnOver(): void {
    old = young;
    young = new Map();
  }

  function turnOverLater(): void {
    isTimed = true;
    clock.after(
      perMsMax,
      () => {
        isTimed = false;
        turnOver();
        if (old.size > 0) turnOverLater();
      },
      true,
    );
  }

  function remember(key: string, fullAt: number, perMs: number): void {
    if (young.size >= generationMax && !young.has(key)) turnOver();
    young.set(key, fullAt);
    perMsMax = Math.max(perMsMax, perMs);
    if (!isTimed) turnOverLater();
  }

  return {
    get size() {
      return young.size + old.size;
    },
    take(key, amount, rule): RateResult {
      const now = clock.now();
      const fullAt = Math.max(now, young.get(key) ?? old.get(key) ?? 0);
      const next = fullAt + (Math.min(amount, rule.burst) * rule.perMs) / rule.burst;
      const over = next - now - rule.perMs;
      // A refusal is recorded too, so that a caller that keeps trying is not evicted.
      remember(key, over > 0 ? fullAt : next, rule.perMs);
      return over > 0 ? { ok: false, retryAfterMs: Math.ceil(over) } : RATE_OK;
    },
  };
}
