/**
 * dispatcher: publish, lookup, dispatch, forward. Stateless: any backend may publish to any dispatcher,
 * any frontend may subscribe through any dispatcher.
 *
 * Life cycle: a `Dispatcher` is made over a table, a log and the links to frontends; whoever made those
 * closes them.
 */

export * from "./dispatcher.ts";
export * from "./dispatcher-api.ts";
export { decodeEvents, encodeEvents, MalformedEventsError } from "./event-codec.ts";
export * from "./internal/internal-auth.ts";
export {
  CallFailedError,
  createInternalClient,
  type InternalClient,
  type InternalTls,
} from "./internal/internal-client.ts";
export * from "./internal/internal-listener.ts";
export { createRefusals, type InternalRefusals } from "./internal/internal-route.ts";
export { RETIRED_LISTENERS_MAX, RetiredListeners } from "./internal/retired-listeners.ts";
export * from "./internal/upstream-http.ts";
export * from "./internal/upstream-routes.ts";
export * from "./links/frontend-calls.ts";
export * from "./links/frontend-calls-http.ts";
export * from "./links/frontend-credential.ts";
export * from "./links/frontend-link.ts";
export * from "./links/frontend-link-local.ts";
export * from "./links/frontend-link-websocket.ts";
export { createFrontendLinks } from "./links/frontend-links.ts";
export {
  createLinkIntake,
  type LinkEnd,
  type LinkEndState,
  type LinkIntake,
} from "./links/link-intake.ts";
export * from "./links/link-receiver.ts";
export type { LinkConnection, LinkEvents, LinkOptions } from "./links/link-sender.ts";
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
} from "./peers/peer.ts";
export { createPeerDirectory, type PeerDirectoryOptions } from "./peers/peer-directory.ts";
export {
  createPeerReceiver,
  type PeerReceiver,
  type PeerReceiverStats,
} from "./peers/peer-receiver.ts";
export * from "./peers/peer-routes.ts";
export {
  createPeerViewers,
  type PeerViewers,
  type PeerViewersOptions,
} from "./peers/peer-viewers.ts";
export { createPeers, type PeersOptions } from "./peers/peers.ts";
export * from "./publish-route.ts";
export { type Backbone, createBackboneRoutes, createHttpBackbone } from "./publisher-api.ts";
