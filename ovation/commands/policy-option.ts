/** `--policy FILE`: what the configuration file says, over what the other options say. */

import type { AddressWarning } from "../client-address.ts";
import { createAddressOf } from "../client-address.ts";
import type { Settings } from "../parts/settings.ts";
import { PolicyFileError, readPolicyFile } from "../policy-file.ts";
import { option } from "./options.ts";
import { fail } from "./run.ts";

export const policyOption = () =>
  option("--policy <file>", "who may do what, limits, keys and proxies: one YAML file");

const WARNINGS: Readonly<Record<AddressWarning, string>> = {
  "unnamed-proxy":
    "a peer forwards for others and is not named in trustedProxies: name it, or take X-Forwarded-For away from it",
  "silent-proxy":
    "a proxy in trustedProxies sends no X-Forwarded-For: there are no limits per address behind it",
  "malformed-header": "a proxy in trustedProxies sends an X-Forwarded-For that holds no address",
};

/** The settings with the file's; ends the program with a sentence where the file has a mistake. */
export async function withPolicyFile(
  settings: Settings,
  path: string | undefined,
): Promise<Settings> {
  if (path === undefined) return withAddresses(settings, []);
  try {
    const { trustedProxies, guests, videos, policy, corsOrigins, tokens, ...comments } =
      await readPolicyFile(path);
    return withAddresses(
      {
        ...settings,
        policy,
        guests: guests ?? settings.guests,
        videos: videos ?? settings.videos,
        ...(corsOrigins === undefined ? {} : { corsOrigins }),
        ...(tokens === undefined ? {} : { tokens }),
        comments,
      },
      trustedProxies ?? [],
    );
  } catch (error) {
    if (error instanceof PolicyFileError) fail(error.message);
    throw error;
  }
}

/** The client's address by the named proxies, and a warning where the setting is wrong. */
function withAddresses(settings: Settings, trustedProxies: readonly string[]): Settings {
  const onWarning = (warning: AddressWarning, peer: string) =>
    settings.logger.warn({ peer }, WARNINGS[warning]);
  return { ...settings, trustedProxies, addressOf: createAddressOf({ trustedProxies, onWarning }) };
}
