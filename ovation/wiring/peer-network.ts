/** The other data centres of a dispatcher: it forwards events to them and adds their viewers. */

import {
  createInternalClient,
  createPeers,
  formatPeerCaller,
  type InternalAuth,
  type InternalTls,
  PeerDirectory,
  type Peers,
  PeerViewers,
} from "@ovation/dispatcher";
import { type FrontendId, steadyClock } from "@ovation/protocol";
import type { ViewerCounts } from "@ovation/table";
import type { ValuesOf } from "../settings/schema.ts";
import type { Settings } from "../settings/settings.ts";

export interface PeerNetworkOptions {
  readonly settings: Settings & ValuesOf<"dispatcher">;
  readonly dispatcherId: FrontendId;
  readonly auth: InternalAuth;
  readonly tls: InternalTls | undefined;
  /** Of this data centre. */
  readonly counts: ViewerCounts;
  onFailure(what: string, error: unknown): void;
}

export class PeerNetwork {
  readonly peers: Peers;
  /** Of all data centres. */
  readonly counts: ViewerCounts;
  readonly #directory: PeerDirectory;

  constructor({ settings, dispatcherId, auth, tls, counts, onFailure }: PeerNetworkOptions) {
    const { datacenter, policy, logger, forwardTtlMs, forward } = settings;
    const from = formatPeerCaller(datacenter, dispatcherId);
    const client = createInternalClient({ auth, from, ...(tls === undefined ? {} : { tls }) });
    const viewers =
      settings.peers.length === 0
        ? undefined
        : new PeerViewers({ counts, peers: [], client, clock: steadyClock, onFailure });
    this.counts = viewers ?? counts;
    this.peers = createPeers({
      dispatcherId,
      peers: [],
      client,
      policy,
      clock: steadyClock,
      forwardTtlMs,
      forward,
      onState: (peer, state, detail) => logger.info({ peer, state, detail }, "data centre"),
    });
    this.#directory = new PeerDirectory({
      datacenter,
      peers: settings.peers,
      client,
      clock: steadyClock,
      onKnown: (peer) => {
        this.peers.add(peer);
        viewers?.add(peer);
      },
      onAnswer: (url, answer) =>
        logger["error" in answer ? "warn" : "info"]({ url, ...answer }, "peer without a name"),
    });
  }

  async close(): Promise<void> {
    this.#directory.close();
    await this.peers.close();
  }
}
