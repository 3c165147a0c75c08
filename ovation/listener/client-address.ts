/**
 * The address of a client, behind proxies or not: limits per address count by it.
 *
 * `X-Forwarded-For` is believed only from named proxies, from right to left up to the first address
 * that is not one of them. Where no proxy is named, loopback is: a process on the same machine.
 * From every other peer the header counts for nothing, and the peer's own address does. It also
 * counts where a named proxy sends no header or one without an address: a request never goes
 * without limits.
 *
 * `Forwarded`, `X-Real-IP` and the PROXY protocol are not read. An IPv6 client has a whole /64 and
 * is counted by it.
 */

import { BlockList, isIP, isIPv4 } from "node:net";
import type { HttpRequest } from "@ovation/protocol";
import type { Logger } from "pino";

/** The viewer's address as a worker saw it, for its core. Only the core's Unix socket trusts it. */
export const ADDRESS_HEADER = "x-ovation-address";

export type AddressWarning =
  /** A peer in a private network sends `X-Forwarded-For` and is not named as a proxy. */
  | "unnamed-proxy"
  /** A peer is named as a proxy and sends no `X-Forwarded-For`. */
  | "silent-proxy"
  /** `X-Forwarded-For` of a named proxy holds something that is no address. */
  | "malformed-header";

const WARNINGS: Readonly<Record<AddressWarning, string>> = {
  "unnamed-proxy":
    "this peer sends X-Forwarded-For and is not named, so the header does not count: if it is " +
    "your proxy, name it with --trusted-proxies or trustedProxies in the policy file",
  "silent-proxy":
    "a named proxy sends no X-Forwarded-For, so all its clients share one address's limits: let " +
    "it send the header (Forwarded, X-Real-IP and PROXY protocol are not read)",
  "malformed-header":
    "a named proxy sends an X-Forwarded-For that holds no address, so it counts itself: let it " +
    "send addresses only",
};

/** The warnings of `createAddressOf` as log lines that say what to do. */
export function addressWarnings(logger: Logger) {
  return (warning: AddressWarning, peer: string): void =>
    logger.warn({ warning, peer }, WARNINGS[warning]);
}

export interface ClientAddressOptions {
  /**
   * Addresses and networks of proxies: `10.0.0.0/8`, `::1`, or `loopback`, `private`. Absent:
   * loopback, which may be a proxy or a client.
   */
  readonly trustedProxies: readonly string[] | undefined;
  /** Once for each kind and peer. `peer` is an address. */
  onWarning(warning: AddressWarning, peer: string): void;
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"];
const PRIVATE = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "fc00::/7",
  "fe80::/10",
];
/** Hops that are read; a longer list is not an honest one. */
export const HOPS_MAX = 16;
export const WARNED_PEERS_MAX = 100;
/** Peers whose address is remembered; when there are more, all are forgotten. */
export const PEERS_MAX = 10_000;

interface Peer {
  readonly address: string;
  /** What limits count it as. */
  readonly group: string;
  readonly isTrusted: boolean;
}

/** What a peer without an address (a Unix socket, a connection that is gone) counts as. */
const UNKNOWN_PEER = "unknown";
/** Probes of a proxy's own have no client. */
const PROBE = /\/(readyz|healthz|metrics)$/;

/** Throws a TypeError where an entry is no address or network. */
export function createAddressOf(
  options: ClientAddressOptions,
): (request: HttpRequest, peer: string) => string {
  const { trustedProxies, onWarning } = options;
  const trusted = toBlockList(trustedProxies ?? ["loopback"]);
  const nearby = toBlockList(["loopback", "private"]);
  const warned = new Set<string>();
  const peers = new Map<string, Peer | undefined>();

  /** Connections are kept, so the same peer asks again and again. */
  function peerOf(text: string): Peer | undefined {
    if (peers.has(text)) return peers.get(text);
    const address = parseAddress(text);
    const peer =
      address === undefined
        ? undefined
        : { address, group: toGroup(address), isTrusted: contains(trusted, address) };
    if (peers.size >= PEERS_MAX) peers.clear();
    peers.set(text, peer);
    return peer;
  }

  function warn(warning: AddressWarning, peer: string): void {
    const key = `${warning} ${peer}`;
    if (warned.has(key) || warned.size >= WARNED_PEERS_MAX) return;
    warned.add(key);
    onWarning(warning, peer);
  }

  return (request, rawPeer) => {
    const known = peerOf(rawPeer);
    if (known === undefined) return UNKNOWN_PEER;
    const { address: peer, group, isTrusted } = known;
    const header = request.headers.get("x-forwarded-for");
    if (!isTrusted) {
      if (header !== null && contains(nearby, peer)) warn("unnamed-proxy", peer);
      return group;
    }
    if (header === null) {
      if (trustedProxies !== undefined && !PROBE.test(request.url)) warn("silent-proxy", peer);
      return group;
    }
    return clientOf(header, known);
  };

  /** The first address from the right that is no proxy; else the last one that is known. */
  function clientOf(header: string, { address: peer, group }: Peer): string {
    let nearest: string | undefined;
    for (const hop of header.split(",").slice(-HOPS_MAX).reverse()) {
      const address = parseAddress(hop);
      if (address === undefined) {
        warn("malformed-header", peer);
        break;
      }
      nearest = address;
      if (!contains(trusted, address)) break;
    }
    return nearest === undefined ? group : toGroup(nearest);
  }
}

/**
 * `10.0.0.1`, `10.0.0.1:443`, `[::1]:443`, `::ffff:10.0.0.1`, `::ffff:a00:1`, `fe80::1%eth0` → the
 * plain address, in one spelling.
 */
export function parseAddress(text: string): string | undefined {
  let address = text.trim().toLowerCase();
  const bracketed = /^\[([^\]]+)\](:[0-9]{1,5})?$/.exec(address);
  if (bracketed !== null) address = bracketed[1] ?? "";
  else if (/^[0-9.]+:[0-9]{1,5}$/.test(address)) address = address.slice(0, address.indexOf(":"));
  address = address.replace(/%.*$/, "");
  if (isIP(address) === 0) return undefined;
  return isIPv4(address) ? address : toPlain(address);
}

/** An IPv6 address in its canonical spelling (RFC 5952), an IPv4 one in IPv6 as IPv4. */
function toPlain(address: string): string {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const bytes = [mapped[1], mapped[2]].map((part) => Number.parseInt(part ?? "", 16));
  return bytes.flatMap((part) => [part >> 8, part & 0xff]).join(".");
}

/**
 * Whether an address of a peer is among the entries; they are as in {@link ClientAddressOptions}.
 */
export function createPeerCheck(entries: readonly string[]): (peer: string) => boolean {
  const list = toBlockList(entries);
  return (peer) => {
    const address = parseAddress(peer);
    return address !== undefined && contains(list, address);
  };
}

/**
 * Whether only this machine reaches a listener of that address: `127.0.0.1`, `::1`, `localhost`.
 */
export function isLoopback(host: string): boolean {
  const address = parseAddress(host);
  if (address === undefined) return /^(.+\.)?localhost$/i.test(host);
  return contains(toBlockList(["loopback"]), address);
}

/**
 * The entries of `trustedProxies`, apart from each other by commas or spaces; throws a TypeError.
 */
export function parseProxies(text: string): readonly string[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== "");
  toBlockList(entries);
  return entries;
}

function toBlockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries.flatMap((each) =>
    each === "loopback" ? LOOPBACK : each === "private" ? PRIVATE : [each],
  )) {
    const [text = "", prefix, ...rest] = entry.split("/");
    const address = parseAddress(text);
    const family = address === undefined ? 0 : isIP(address);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    const valid =
      /^[0-9]{1,3}$/.test(prefix ?? "0") && bits <= (family === 4 ? 32 : 128) && rest.length === 0;
    if (address === undefined || !valid)
      throw new TypeError(`not an address or network: ${JSON.stringify(entry)}`);
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

function toGroup(address: string): string {
  if (isIPv4(address)) return address;
  // `a::b` has as many zero groups in the middle as make eight.
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const groups =
    right === undefined
      ? head
      : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
