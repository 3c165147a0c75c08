/** The backoff before the next attempt. */

import { RETRY_ASKED_MS_MAX } from "../limits.ts";

/**
 * Full jitter: anywhere between 0 and a bound that doubles, so that viewers that were cut off
 * together do not reconnect together. Source: "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015.
 */
export function drawRetryMs(
  attempt: number,
  bounds: { readonly first: number; readonly longest: number },
  random: () => number,
): number {
  return random() * Math.min(bounds.longest, bounds.first * 2 ** Math.min(attempt, 30));
}

/** The pause that a server asked for, in ms: 0 where it is no number, and bounded. */
export function boundRetryMs(ms: number): number {
  return Math.min(Math.max(ms, 0) || 0, RETRY_ASKED_MS_MAX);
}
