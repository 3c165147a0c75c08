/**
 * Exponential backoff: the bound of the pause before the next attempt doubles with each failure.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

export interface BackoffBounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Doubling beyond this would overflow; every `longestMs` in use is reached long before. */
export const BACKOFF_DOUBLINGS_MAX = 30;

/** `attempt` counts the failures before this one, from 0. */
export function boundBackoffMs({ firstMs, longestMs }: BackoffBounds, attempt: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(attempt, BACKOFF_DOUBLINGS_MAX));
}

/** Full jitter, so that processes that failed together do not retry together. */
export function drawBackoffMs(
  bounds: BackoffBounds,
  attempt: number,
  random: () => number,
): number {
  return random() * boundBackoffMs(bounds, attempt);
}
