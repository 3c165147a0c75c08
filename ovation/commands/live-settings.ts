/** Settings that a reload can change, and what the start reports of them. */

import { isLoopback } from "../listener/client-address.ts";
import { createLivePolicy } from "../reload/live-policy.ts";
import { Reloads } from "../reload/reloads.ts";
import { createRequestChecks } from "../reload/request-checks.ts";
import type { Renewed, Settings, SettingsReloads } from "../settings/settings.ts";

export type LiveSettings<Resolved extends Settings> = Resolved & {
  readonly reloads: SettingsReloads;
};

export function makeLive<Resolved extends Settings>(settings: Resolved): LiveSettings<Resolved> {
  logExposure(settings);
  const reloads = new Reloads<Renewed>();
  return {
    ...settings,
    ...createRequestChecks(settings, reloads),
    policy: createLivePolicy(settings.policy, reloads),
    reloads,
  };
}

/** Which proxies are trusted, and what is open to all. */
function logExposure({ trustedProxies, logger, host, metrics }: Settings): void {
  if (trustedProxies !== undefined)
    logger.info({ trustedProxies }, "X-Forwarded-For is trusted from these peers only");
  else if (!isLoopback(host))
    logger.info(
      "X-Forwarded-For is trusted from this machine only, every other peer counts by its own " +
        "address: behind a proxy elsewhere, name it with --trusted-proxies or trustedProxies in " +
        "the policy file",
    );
  if (metrics === "on" && !isLoopback(host))
    logger.warn(
      { host },
      "every client of this port can read /metrics: close it in the proxy in front, or start " +
        "with --metrics off, or --metrics 127.0.0.1:9090 for a listener of its own",
    );
}
