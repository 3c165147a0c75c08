/** Forwarding to peer data centres by HTTP POST: one lane for each of them. */

import { type Clock, type Event, type Policy, systemClock } from "@ovation/protocol";
import type { InternalAuth } from "./internal-auth.ts";
import { createInternalClient, type InternalTls } from "./internal-client.ts";
import { FORWARD_TTL_MS_DEFAULT, type Peer, type Peers } from "./peer.ts";
import { createPeerLane } from "./peer-lane.ts";

export interface HttpPeersOptions {
  /** This data centre. */
  readonly datacenter: string;
  /** This dispatcher process, one life of it: `[a-z0-9]{6,16}`. */
  readonly dispatcherId: string;
  readonly peers: readonly Peer[];
  readonly auth: InternalAuth;
  readonly policy: Policy;
  readonly clock?: Clock;
  random?(): number;
  readonly forwardTtlMs?: number;
  readonly tls?: InternalTls;
  /** Called when a peer is reached or lost, for the log. */
  onState?(peer: string, state: "up" | "away", detail: string): void;
}

/** The caller's name in `ovation-from`. */
export function formatPeerCaller(datacenter: string, dispatcherId: string): string {
  return `datacenter ${datacenter} ${dispatcherId}`;
}

export function createHttpPeers(options: HttpPeersOptions): Peers {
  const { auth, datacenter, dispatcherId, peers, policy, tls, onState } = options;
  const client = createInternalClient({ auth, from: formatPeerCaller(datacenter, dispatcherId), ...(tls === undefined ? {} : { tls }) });
  const lanes = peers.map((peer) =>
    createPeerLane({
      peer,
      client,
      dispatcherId,
      policy,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      forwardTtlMs: options.forwardTtlMs ?? FORWARD_TTL_MS_DEFAULT,
      onState: (state, detail) => onState?.(peer.name, state, detail),
    }),
  );
  return {
    forward(events: readonly Event[]) {
      for (const lane of lanes) lane.push(events);
    },
    stats: () => lanes.map((lane) => lane.stats()),
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
