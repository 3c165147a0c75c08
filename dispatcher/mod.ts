/**
 * dispatcher: publish, lookup, dispatch, forward. Stateless: any backend may publish to any dispatcher,
 * any frontend may subscribe through any dispatcher.
 *
 * Life cycle: a `Dispatcher` is made over a table, a log and the links to frontends; whoever made those
 * closes them.
 */

export { type Backbone, createBackboneRoutes, createHttpBackbone } from "./backend-calls.ts";
export * from "./dispatcher.ts";
export * from "./dispatcher-api.ts";
export { decodeEvents, encodeEvents, MalformedEventsError } from "./event-codec.ts";
export * from "./frontend-calls.ts";
export * from "./frontend-calls-http.ts";
export * from "./frontend-credential.ts";
export * from "./frontend-link.ts";
export * from "./frontend-link-local.ts";
export * from "./frontend-link-websocket.ts";
export { createFrontendLinks } from "./frontend-links.ts";
export * from "./internal-auth.ts";
export {
  CallFailedError,
  createInternalClient,
  type InternalClient,
  type InternalTls,
} from "./internal-client.ts";
export * from "./internal-listener.ts";
export { createRefusals, type InternalRefusals } from "./internal-route.ts";
export {
  createLinkIntake,
  type LinkEnd,
  type LinkEndState,
  type LinkIntake,
} from "./link-intake.ts";
export * from "./link-receiver.ts";
export type { LinkConnection, LinkEvents, LinkOptions } from "./link-sender.ts";
export {
  FORWARD_PATH,
  FORWARD_TTL_MS_DEFAULT,
  formatPeerCaller,
  isDatacenterName,
  PEER_VIEWERS_PATH,
  type Peer,
  type PeerAddresses,
  type PeerStats,
  type Peers,
  parsePeer,
  WANTED_PATH,
} from "./peer.ts";
export { createPeerDirectory, type PeerDirectoryOptions } from "./peer-directory.ts";
export { createPeerReceiver, type PeerReceiver, type PeerReceiverStats } from "./peer-receiver.ts";
export * from "./peer-routes.ts";
export { createPeerViewers, type PeerViewers, type PeerViewersOptions } from "./peer-viewers.ts";
export { createPeers, type PeersOptions } from "./peers.ts";
export * from "./publish-route.ts";
export { RETIRED_LISTENERS_MAX, RetiredListeners } from "./retired-listeners.ts";
export * from "./upstream-http.ts";
export * from "./upstream-routes.ts";
