/**
 * How much somebody may do. The specification, held by `rate-limiter.contract.ts`:
 *
 * - A key starts with `burst` free and gets `burst` more every `perMs`, evenly (a token bucket).
 * - A refused `take` costs nothing: whoever waits `retryAfterMs` and is alone on the key is let in.
 * - `amount` above `burst` counts as `burst`.
 * - Keys are forgotten when they are full again; under a flood of keys the least recently used may be
 *   forgotten earlier: memory is bounded, and what is lost then is strictness, not service.
 */
export interface RateLimiter {
  /** Answers at once where it can, so that the way of a comment waits for nothing. */
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
