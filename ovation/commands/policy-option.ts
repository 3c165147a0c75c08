/** `--policy FILE`: what the configuration file says, over what the other options say. */

import { isLoopback } from "../listener/client-address.ts";
import { OperatorMistake } from "../operator-error.ts";
import { PolicyFileError, readPolicyFile } from "../policy/policy-file.ts";
import { createLivePolicy } from "../reload/live-policy.ts";
import { Reloads } from "../reload/reloads.ts";
import { createLiveEdge } from "../reload/request-checks.ts";
import type { Settings } from "../wiring/settings.ts";
import { option } from "./options.ts";

export const policyOption = () =>
  option("--policy <file>", "who may do what, limits, keys and proxies: one YAML file");

/** The settings with the file's; throws a sentence where the file has a mistake. */
export async function withPolicyFile(
  settings: Settings,
  path: string | undefined,
): Promise<Settings> {
  if (path === undefined) return settings;
  try {
    const {
      trustedProxies,
      hosts,
      pages,
      guests,
      videos,
      policy,
      corsOrigins,
      tokens,
      ...comments
    } = await readPolicyFile(path);
    return {
      ...settings,
      policy,
      guests: guests ?? settings.guests,
      videos: videos ?? settings.videos,
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      ...(pages === undefined ? {} : { pages }),
      ...(hosts === undefined ? {} : { hosts }),
      ...(corsOrigins === undefined ? {} : { corsOrigins }),
      ...(tokens === undefined ? {} : { tokens }),
      comments,
    };
  } catch (error) {
    if (error instanceof PolicyFileError) throw new OperatorMistake(error.message);
    throw error;
  }
}

/** The settings of a process that begins, in a form that a reload can change. */
export function makeLive(settings: Settings): Settings & { readonly reloads: Reloads } {
  sayWhatIsOpen(settings);
  const reloads = new Reloads();
  return {
    ...settings,
    ...createLiveEdge(settings, reloads),
    policy: createLivePolicy(settings.policy, reloads),
    reloads,
  };
}

/** The start says whom it trusts, and what is open. */
function sayWhatIsOpen(settings: Settings): void {
  const { trustedProxies, logger, host, metrics = "on" } = settings;
  if (trustedProxies !== undefined)
    logger.info({ trustedProxies }, "X-Forwarded-For is believed from these peers only");
  else if (!isLoopback(host))
    logger.info(
      "X-Forwarded-For is believed from this machine only, every other peer counts by its own address: behind a proxy elsewhere, name it with --trusted-proxies or trustedProxies in the policy file",
    );
  if (metrics === "on" && !isLoopback(host))
    logger.warn(
      { host },
      "whoever reaches this port can read /metrics: close it in the proxy in front, or start with --metrics off, or --metrics 127.0.0.1:9090 for a listener of its own",
    );
}
