/** The internal listener of a process, and the authentication of calls between processes. */

import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import {
  createInternalAuth,
  createRefusals,
  type InternalAuth,
  type InternalListener,
  type InternalRefusals,
  type InternalTls,
  type InternalTlsTexts,
  type LinkReceiver,
  listenInternal,
} from "@ovation/dispatcher";
import { type Route, steadyClock, systemClock } from "@ovation/protocol";
import { Counter, type Registry } from "prom-client";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { createLogThrottle } from "../logging/log-throttle.ts";
import { isSame } from "../reload/reloads.ts";
import type { Settings } from "../settings/settings.ts";

export interface InternalSettings {
  readonly host: string;
  readonly port: number;
  /** Where others reach it; default: the address it listens on. */
  readonly url: string | undefined;
  /** The first signs, all are accepted: secrets can be replaced without downtime. */
  readonly secrets: readonly string[];
  /** PEM files. With `ca`, both sides show certificates: mutual TLS. */
  readonly tls:
    | { readonly cert: string; readonly key: string; readonly ca: string | undefined }
    | undefined;
}

export interface InternalCalls {
  readonly auth: InternalAuth;
  readonly refusals: InternalRefusals;
  /** For calls to others. */
  readonly tls: InternalTls | undefined;
  listen(routes: readonly Route[], link?: LinkReceiver): InternalListener;
}

export function createInternalCalls(
  settings: Settings,
  internal: InternalSettings,
  registry: Registry,
): InternalCalls {
  const auth = createInternalAuth({ secrets: internal.secrets, clock: systemClock });
  const refusals = createRefusals();
  const files = internal.tls;
  /** One object for as long as the process lives: calls read it each time, so a reload fills it. */
  const tls = files === undefined ? undefined : { ...readTls(files) };
  let renewListener: ((renewed: InternalTlsTexts) => void) | undefined;
  if (files !== undefined && tls !== undefined)
    settings.reloads?.add(() => {
      const renewed = readTls(files);
      if (isSame(renewed, { ...tls })) return undefined;
      return {
        what: ["the internal certificate"],
        apply() {
          Object.assign(tls, renewed);
          renewListener?.(renewed);
        },
      };
    });
  const say = createLogThrottle(steadyClock);
  new Counter({
    name: "ovation_internal_refusals_total",
    help: "Internal calls refused, by reason",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(refusals)) this.inc({ reason }, count);
    },
  });
  return {
    auth,
    refusals,
    tls,
    listen(routes, link) {
      const listener = listenInternal({
        host: internal.host,
        port: internal.port,
        routes,
        onFailure: createFailureLogger(settings.logger),
        onRefused: (call) =>
          say(`${call.address} ${call.reason}`, (suppressed) => {
            const isRoutine = call.reason === "earlier-life";
            settings.logger[isRoutine ? "debug" : "warn"](
              { ...call, ...suppressed },
              isRoutine
                ? "refused an internal call for an earlier incarnation of this process"
                : "refused an internal call",
            );
          }),
        ...(link === undefined ? {} : { link }),
        ...(tls === undefined ? {} : { tls }),
      });
      renewListener = (renewed) => listener.renew(renewed);
      return { ...listener, url: internal.url ?? reachableUrl(listener.url, networkInterfaces()) };
    },
  };
}

/** A listener on all addresses is announced at the first one that other machines may reach. */
export function reachableUrl(
  url: string,
  interfaces: ReturnType<typeof networkInterfaces>,
): string {
  const { protocol, hostname, port } = new URL(url);
  if (hostname !== "0.0.0.0" && hostname !== "[::]") return url;
  const addresses = Object.values(interfaces).flatMap((found) => found ?? []);
  const outside = addresses.filter(({ internal }) => !internal);
  const chosen = outside.find(({ family }) => family === "IPv4") ?? outside[0];
  if (chosen === undefined) return `${protocol}//127.0.0.1:${port}`;
  const host = chosen.family === "IPv4" ? chosen.address : `[${chosen.address}]`;
  return `${protocol}//${host}:${port}`;
}

function readTls(files: NonNullable<InternalSettings["tls"]>): InternalTlsTexts {
  const [cert, key] = [readFileSync(files.cert, "utf8"), readFileSync(files.key, "utf8")];
  return files.ca === undefined ? { cert, key } : { cert, key, ca: readFileSync(files.ca, "utf8") };
}
