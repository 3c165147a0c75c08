/** What peers call, as signed calls to the internal listener: see `receiver.ts` for what happens then. */

import type { Route } from "@ovation/protocol";
import { type InternalRouteOptions, internalRoute, type VerifiedCall } from "../internal/route.ts";
import * as limits from "./peer.ts";
import {
  createPeerReceiver,
  type PeerReceiverOptions,
  type PeerReceiverStats,
} from "./receiver.ts";

export interface PeerRoutesOptions extends InternalRouteOptions, PeerReceiverOptions {}

export interface PeerRoutes {
  readonly routes: readonly Route[];
  readonly stats: PeerReceiverStats;
}

export const DATACENTER_CALL_BYTES_MAX = 1024;

export function createPeerRoutes(options: PeerRoutesOptions): PeerRoutes {
  const receiver = createPeerReceiver(options);
  const route = (
    path: string,
    handle: (call: VerifiedCall) => Promise<unknown>,
    bytesMax = limits.FORWARD_CALL_BYTES_MAX,
  ): Route =>
    internalRoute(options, path, bytesMax, async (call) => Response.json(await handle(call)));
  return {
    routes: [
      route(limits.FORWARD_PATH, receiver.forward),
      route(limits.WANTED_PATH, receiver.wanted),
      route(limits.PEER_VIEWERS_PATH, receiver.viewers),
      route(limits.DATACENTER_PATH, receiver.datacenter, DATACENTER_CALL_BYTES_MAX),
    ],
    stats: receiver.stats,
  };
}
