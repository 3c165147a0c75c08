/** The backoff before the next attempt. */

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
