/** Videos that an address makes by being the first who likes or comments them: charged once each. */

import type { Clock } from "@ovation/protocol";
import { NEW_VIDEO_AGE_MS, NEW_VIDEOS_KEPT_MAX, type RateRules } from "../limits.ts";
import type { RateLimiter } from "../rates/rate-limiter.ts";
import { createRemembered, type Remembered } from "../remembered.ts";
import { requireRate } from "../service.ts";

/**
 * By `address video`: rejects with `rate-limited` past the share of the address. `rules` are read
 * each time: they may change.
 */
export function createNewVideos(
  limiter: RateLimiter,
  clock: Clock,
  rules: Pick<RateRules, "newVideosPerAddress">,
): Remembered<void> {
  return createRemembered<void>({
    clock,
    ageMs: NEW_VIDEO_AGE_MS,
    keptMax: NEW_VIDEOS_KEPT_MAX,
    load: (key) =>
      requireRate(
        { limiter },
        `video address ${key.slice(0, key.indexOf(" "))}`,
        rules.newVideosPerAddress,
      ),
  });
}
