/** The calls of peers, signed, at the internal listener; `receiver.ts` carries them out. */

import type { Route } from "@ovation/protocol";
import { type InternalRouteOptions, internalRoute, type VerifiedCall } from "../internal/route.ts";
import * as limits from "./peer.ts";
import { PeerReceiver, type PeerReceiverOptions, type PeerReceiverStats } from "./receiver.ts";

export interface PeerRoutesOptions extends InternalRouteOptions, PeerReceiverOptions {}

export interface PeerRoutes {
  readonly routes: readonly Route[];
  readonly stats: PeerReceiverStats;
}

export const DATACENTER_CALL_BYTES_MAX = 1024;

export function createPeerRoutes(options: PeerRoutesOptions): PeerRoutes {
  const receiver = new PeerReceiver(options);
  const route = (
    path: string,
    handle: (call: VerifiedCall) => Promise<unknown>,
    bytesMax = limits.FORWARD_CALL_BYTES_MAX,
  ): Route =>
    internalRoute(options, path, bytesMax, async (call) => Response.json(await handle(call)));
  return {
    routes: [
      route(limits.FORWARD_PATH, (call) => receiver.forward(call)),
      route(limits.WANTED_PATH, (call) => receiver.wanted(call)),
      route(limits.PEER_VIEWERS_PATH, (call) => receiver.viewers(call)),
      route(limits.DATACENTER_PATH, (call) => receiver.datacenter(call), DATACENTER_CALL_BYTES_MAX),
    ],
    stats: receiver.stats,
  };
}
