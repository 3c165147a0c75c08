/**
 * The address of a client, behind proxies or not: what limits per address are counted by.
 *
 * `X-Forwarded-For` is believed only from the proxies that the operator names, from right to left up to
 * the first address that is not one of them. A wrong setting must not turn one proxy's address into
 * everybody's, so that the first flood bans all viewers; these cases are recognised and warned of, once
 * each:
 *
 * - a peer in a private network forwards for others but is not named: what it says is used for the
 *   limits, since it is a proxy that was forgotten far more likely than a viewer who lies to it;
 * - a named proxy forwards nothing: nobody can be told apart, so the address is empty and nobody is
 *   held to a limit per address.
 *
 * An IPv6 client has a whole /64 and is counted by it.
 */

import { BlockList, isIP, isIPv4 } from "node:net";
import type { HttpRequest } from "@ovation/protocol";

export type AddressWarning =
  /** A peer sends `X-Forwarded-For` and is not named as a proxy. */
  | "unnamed-proxy"
  /** A peer is named as a proxy and sends no `X-Forwarded-For`. */
  | "silent-proxy"
  /** `X-Forwarded-For` of a named proxy holds something that is no address. */
  | "malformed-header";

export interface ClientAddressOptions {
  /** Addresses and networks of proxies: `10.0.0.0/8`, `::1`, or `loopback`, `private`. */
  readonly trustedProxies: readonly string[];
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
/** Hops that are looked at; a longer list is somebody's play. */
const HOPS_MAX = 16;
const WARNED_PEERS_MAX = 100;
/** Peers whose address is remembered; when there are more, all are forgotten. */
const PEERS_MAX = 10_000;

interface Peer {
  readonly address: string;
  /** What limits count it as. */
  readonly group: string;
  readonly isTrusted: boolean;
}

/** Throws a TypeError where an entry is no address or network. */
export function createAddressOf(
  options: ClientAddressOptions,
): (request: HttpRequest, peer: string) => string {
  const trusted = toBlockList(options.trustedProxies);
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
    options.onWarning(warning, peer);
  }

  return (request, rawPeer) => {
    const known = peerOf(rawPeer);
    if (known === undefined) return "";
    const { address: peer, group, isTrusted } = known;
    const header = request.headers.get("x-forwarded-for");
    if (!isTrusted) {
      if (header === null) return group;
      const claimed = contains(nearby, peer) ? lastHop(header) : undefined;
      if (claimed === undefined) return group;
      warn("unnamed-proxy", peer);
      return toGroup(claimed);
    }
    if (header === null) {
      warn("silent-proxy", peer);
      return "";
    }
    const hops = header.split(",").slice(-HOPS_MAX);
    for (const hop of hops.reverse()) {
      const address = parseAddress(hop);
      if (address === undefined) {
        warn("malformed-header", peer);
        return "";
      }
      if (!contains(trusted, address)) return toGroup(address);
    }
    // Nothing but proxies: the request began at one of them.
    return toGroup(parseAddress(hops.at(-1) ?? "") ?? peer);
  };
}

function lastHop(header: string): string | undefined {
  return parseAddress(header.slice(header.lastIndexOf(",") + 1));
}

/** `10.0.0.1`, `10.0.0.1:443`, `[::1]:443`, `::ffff:10.0.0.1`, `fe80::1%eth0` → the plain address. */
export function parseAddress(text: string): string | undefined {
  let address = text.trim().toLowerCase();
  const bracketed = /^\[([^\]]+)\](:[0-9]{1,5})?$/.exec(address);
  if (bracketed !== null) address = bracketed[1] ?? "";
  else if (/^[0-9.]+:[0-9]{1,5}$/.test(address)) address = address.slice(0, address.indexOf(":"));
  address = address.replace(/%.*$/, "").replace(/^::ffff:(?=[0-9.]+$)/, "");
  return isIP(address) === 0 ? undefined : address;
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
