/**
 * What is checked of every request, as the settings say it at the moment: address, host, origin.
 */

import { addressWarnings, createAddressOf } from "../listener/client-address.ts";
import { type Cors, createCors } from "../listener/cors.ts";
import { createHostCheck } from "../listener/hosts.ts";
import type { Settings, SettingsReloads } from "../settings/settings.ts";
import { isSame } from "./reloads.ts";

type Given = Pick<Settings, "host" | "hosts" | "trustedProxies" | "corsOrigins" | "logger">;

const ANY_ORIGIN = ["*"];

/** Throws a TypeError where an entry is no name, address or network. */
export function createRequestChecks(
  given: Given,
  reloads: SettingsReloads,
): Required<Pick<Settings, "addressOf" | "checkHost" | "cors">> {
  const onWarning = addressWarnings(given.logger);
  const make = ({ corsOrigins, ...rest }: Omit<Given, "logger">) => ({
    addressOf: createAddressOf({ trustedProxies: rest.trustedProxies, onWarning }),
    checkHost: createHostCheck(rest),
    cors: createCors(corsOrigins ?? ANY_ORIGIN),
  });
  let now: Pick<Given, "hosts" | "trustedProxies" | "corsOrigins"> = given;
  let current = make(given);

  reloads.add((next) => {
    const what = [
      ...(isSame(now.hosts, next.hosts) ? [] : ["hosts"]),
      ...(isSame(now.trustedProxies, next.trustedProxies) ? [] : ["trustedProxies"]),
      ...(isSame(now.corsOrigins, next.corsOrigins) ? [] : ["cors"]),
    ];
    if (what.length === 0) return undefined;
    const { hosts, trustedProxies, corsOrigins } = next;
    const renewed = make({
      host: given.host,
      ...(hosts === undefined ? {} : { hosts }),
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      ...(corsOrigins === undefined ? {} : { corsOrigins }),
    });
    return {
      what,
      apply() {
        now = next;
        current = renewed;
      },
    };
  });

  const cors: Cors = {
    finish: (request, answer) => current.cors.finish(request, answer),
    preflight: (request) => current.cors.preflight(request),
    requireAllowed: (request) => current.cors.requireAllowed(request),
  };
  return {
    cors,
    addressOf: (request, peer) => current.addressOf(request, peer),
    checkHost: (request, peer) => current.checkHost?.(request, peer),
  };
}
