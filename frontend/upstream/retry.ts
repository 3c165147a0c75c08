/**
 * Backoff between attempts, doubled up to a bound, with full jitter: clients do not retry in step.
 */

import type { Clock } from "@ovation/protocol";

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly firstMs: number;
  readonly longestMs: number;
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** Runs until it succeeds or `enough` says stop; each failure is told. */
export async function retry<Value>(
  options: RetryOptions,
  run: () => Promise<Value>,
  onFailure: (error: unknown, attempt: number) => void,
  enough: () => boolean,
): Promise<Value | undefined> {
  for (let attempt = 1; !enough(); attempt++) {
    try {
      return await run();
    } catch (error) {
      onFailure(error, attempt);
      const bound = Math.min(options.longestMs, options.firstMs * 2 ** (attempt - 1));
      await sleep(options.clock, options.firstMs / 2 + options.random() * bound);
    }
  }
  return undefined;
}
