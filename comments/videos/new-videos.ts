/** Videos that an address creates with the first like or comment in them: charged once each. */

import { type Clock, LoadingCache } from "@ovation/protocol";
import { NEW_VIDEO_AGE_MS, NEW_VIDEOS_KEPT_MAX, type RateRules } from "../limits.ts";
import type { RateLimiter } from "../rates/rate-limiter.ts";
import { requireRate } from "../requests/access.ts";

/**
 * By `address video`: rejects with `rate-limited` past the share of the address. `rules` are read
 * at each load, because a reload of the configuration changes them.
 */
export function createNewVideos(
  limiter: RateLimiter,
  clock: Clock,
  rules: Pick<RateRules, "newVideosPerAddress">,
): LoadingCache<void> {
  return new LoadingCache<void>(clock, {
    ageMs: NEW_VIDEO_AGE_MS,
    entriesMax: NEW_VIDEOS_KEPT_MAX,
    load: (key) =>
      requireRate(
        { limiter },
        `video address ${key.slice(0, key.indexOf(" "))}`,
        rules.newVideosPerAddress,
      ),
  });
}
