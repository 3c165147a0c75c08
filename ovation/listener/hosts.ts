/**
 * By which names this server is asked for. A page of any site can let its own name point to this
 * machine (DNS rebinding), and its browser then takes what is here for the page's own. Such a
 * request carries the page's name in `Host`.
 *
 * A listener on loopback answers to `localhost`, addresses of loopback and names without a dot (of
 * this machine or network: a page's own name is in a domain), beside the names that the operator
 * lists. Where names are listed, every listener answers to those only; an IP address as `Host` is
 * then taken as well by listeners that are not on loopback, since rebinding needs a name. Behind a
 * proxy that the operator has named the names are the proxy's to check.
 */

import { isIP } from "node:net";
import { type HttpRequest, Problem } from "@ovation/protocol";
import { createPeerCheck, isLoopback } from "./client-address.ts";

export interface HostsOptions {
  /** The address that is listened on. */
  readonly host: string;
  /** `live.example.org`, `*.example.org`, or `*` for any. Absent: see above. */
  readonly hosts?: readonly string[];
  readonly trustedProxies?: readonly string[];
}

/** Throws `unknown-host`. */
export type HostCheck = (request: HttpRequest, peer: string) => void;

const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/;
/** Hosts whose answer is remembered; when there are more, all are forgotten. */
export const HOSTS_MAX = 1_000;
/** A host that may be repeated in an answer. */
const REPEATABLE = /^[a-zA-Z0-9.:[\]_-]{1,253}$/;

/** The entries of `hosts`, in lower case; throws a TypeError where one is no name. */
export function parseHosts(entries: readonly string[]): readonly string[] {
  return entries.map((entry) => {
    const name = entry.toLowerCase();
    if (name === "*" || NAME.test(name) || isIP(plain(name)) !== 0) return name;
    throw new TypeError(
      `not a host name: ${JSON.stringify(entry)}; write live.example.org, *.example.org or *, ` +
        "without a port",
    );
  });
}

/** Undefined where any host is answered to. */
export function createHostCheck(options: HostsOptions): HostCheck | undefined {
  const onLoopback = isLoopback(options.host);
  const hosts = options.hosts === undefined ? undefined : parseHosts(options.hosts);
  if (hosts === undefined ? !onLoopback : hosts.includes("*")) return undefined;
  const isProxy =
    hosts !== undefined || options.trustedProxies === undefined
      ? () => false
      : createPeerCheck(options.trustedProxies);
  const known = new Map<string, boolean>();

  function answersTo(text: string): boolean {
    const name = nameOf(text);
    if (name === undefined) return false;
    if (hosts?.some((each) => covers(each, name)) === true) return true;
    if (!onLoopback) return isIP(name) !== 0;
    return (
      isLoopback(name) || (hosts === undefined && /^[a-z0-9_-]+$/.test(name) && isIP(name) === 0)
    );
  }

  return (request, peer) => {
    const text = request.headers.get("host");
    // HTTP/1.0, which no browser speaks.
    if (text === null || text === "") return;
    let isKnown = known.get(text);
    if (isKnown === undefined) {
      isKnown = answersTo(text);
      if (known.size >= HOSTS_MAX) known.clear();
      known.set(text, isKnown);
    }
    if (!isKnown && !isProxy(peer)) throw refusal(text);
  };
}

function covers(entry: string, name: string): boolean {
  return entry.startsWith("*.") ? name.endsWith(entry.slice(1)) : plain(entry) === name;
}

/**
 * `Live.Example.org:8080` → `live.example.org`, `[::1]:8080` → `::1`; undefined where it is
 * neither.
 */
function nameOf(host: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(:\d*)?$/.exec(host.toLowerCase());
  return match?.[1] === undefined ? undefined : plain(match[1]).replace(/\.$/, "");
}

function plain(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function refusal(host: string): Problem {
  const name = REPEATABLE.test(host) ? host.replace(/:\d*$/, "") : "that name";
  return new Problem(
    "unknown-host",
    `This server does not answer to ${name}. If that is its name, start it with ` +
      `--hosts ${name} (or hosts in the policy file); behind a proxy, name the proxy with ` +
      "--trusted-proxies",
  );
}
