/** The pauses between attempts: of connections, requests, and changes of subscriptions. */

import { RETRY_ASKED_MS_MAX } from "../limits.ts";

export interface BackoffBounds {
  readonly first: number;
  readonly longest: number;
}

/** The bound of the pause before attempt 0, 1, 2 …, ms: doubles up to the longest. */
export function backoffMs(attempt: number, { first, longest }: BackoffBounds): number {
  return Math.min(longest, first * 2 ** attempt);
}

/**
 * Full jitter: anywhere between 0 and the bound, so that viewers that were cut off together do not
 * reconnect together. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function drawRetryMs(attempt: number, bounds: BackoffBounds, random: () => number): number {
  return random() * backoffMs(attempt, bounds);
}

/** The pause that a server asked for, in ms: 0 where it is no number, and bounded. */
export function boundRetryMs(ms: number): number {
  return Math.min(Math.max(ms, 0) || 0, RETRY_ASKED_MS_MAX);
}
