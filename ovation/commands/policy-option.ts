/** `--policy FILE`: what the configuration file says, over what the other options say. */

import { addressWarnings, createAddressOf, isLoopback } from "../client-address.ts";
import { createHostCheck } from "../hosts.ts";
import type { Settings } from "../parts/settings.ts";
import { PolicyFileError, readPolicyFile } from "../policy-file.ts";
import { option } from "./options.ts";
import { fail } from "./run.ts";

export const policyOption = () =>
  option("--policy <file>", "who may do what, limits, keys and proxies: one YAML file");

/** The settings with the file's; ends the program with a sentence where the file has a mistake. */
export async function withPolicyFile(
  settings: Settings,
  path: string | undefined,
): Promise<Settings> {
  if (path === undefined) return withAddresses(settings);
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
    return withAddresses({
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
    });
  } catch (error) {
    if (error instanceof PolicyFileError) fail(error.message);
    throw error;
  }
}

/** What is checked of every request; the start says whom it trusts, and what is open. */
function withAddresses(settings: Settings): Settings {
  const { trustedProxies, logger, host, metrics = "on" } = settings;
  const onWarning = addressWarnings(logger);
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
  return {
    ...settings,
    addressOf: createAddressOf({ trustedProxies, onWarning }),
    checkHost: createHostCheck(settings),
  };
}
