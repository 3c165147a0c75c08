/**
 * Rates by key. The specification, held by `rate-limiter.contract.ts`:
 *
 * - A key starts with `burst` free and gets `burst` more every `perMs`, evenly (a token bucket).
 * - A refused `take` costs nothing: after `retryAfterMs` the only caller of the key is admitted.
 * - `amount` above `burst` counts as `burst`.
 * - A key that is full again is evicted; under a flood of keys the least recently used may be
 *   evicted earlier: memory is bounded, and the limit is less strict then.
 */
export interface RateLimiter {
  /** Without a promise where it can, so that the write path does not wait. */
  take(key: string, amount: number, rule: RateRule): RateResult | Promise<RateResult>;
}

export interface RateRule {
  readonly burst: number;
  readonly perMs: number;
}

export type RateResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterMs: number };

export const RATE_OK: RateResult = { ok: true };
