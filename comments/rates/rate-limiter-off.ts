/** `--rate-limits off`, for measuring and imports. */

import { RATE_OK, type RateLimiter } from "./rate-limiter.ts";

export function createRateLimiterOff(): RateLimiter {
  return { take: () => RATE_OK };
}
