/**
 * dispatcher: publish, lookup, dispatch, forward. It keeps copies of the log only: any backend may
 * publish to any dispatcher, any frontend may subscribe through any dispatcher.
 *
 * Life cycle: a `Dispatcher` is created over a table, a log and the links to frontends; their owner
 * closes them.
 */

export * from "./dispatcher.ts";
export * from "./dispatcher-api.ts";
export { decodeEvents, encodeEvents, MalformedEventsError } from "./event-codec.ts";
export * from "./internal/auth.ts";
export {
  CallFailedError,
  createInternalClient,
  type InternalClient,
  type InternalTls,
} from "./internal/client.ts";
export { createDispatcherListRoute } from "./internal/learner.ts";
export * from "./internal/listener.ts";
export { DispatcherRegistry, type DispatcherRegistryOptions } from "./internal/registry.ts";
export { RETIRED_LISTENERS_MAX, RetiredListeners } from "./internal/retired-listeners.ts";
export { createRefusals, type InternalRefusals } from "./internal/route.ts";
export * from "./internal/upstream-http.ts";
export * from "./internal/upstream-routes.ts";
export * from "./links/frontend-calls.ts";
export * from "./links/frontend-calls-http.ts";
export * from "./links/frontend-credential.ts";
export {
  type LinkEnd,
  type LinkEndState,
  LinkIntake,
} from "./links/intake.ts";
export type { LinkConnection, LinkEvents, LinkOptions } from "./links/link.ts";
export * from "./links/links.ts";
export * from "./links/links-local.ts";
export { NetworkLinks } from "./links/links-network.ts";
export * from "./links/links-websocket.ts";
export * from "./links/receiver.ts";
export { PeerDirectory, type PeerDirectoryOptions } from "./peers/directory.ts";
export {
  FORWARD_PATH,
  FORWARD_TTL_MS_DEFAULT,
  formatPeerCaller,
  isDatacenterName,
  PEER_VIEWERS_PATH,
  type Peer,
  type PeerStats,
  type Peers,
  type PeerUrls,
  parsePeer,
  WANTED_PATH,
} from "./peers/peer.ts";
export { createPeers, type PeersOptions } from "./peers/peers.ts";
export {
  PeerReceiver,
  type PeerReceiverStats,
} from "./peers/receiver.ts";
export * from "./peers/routes.ts";
export {
  PeerViewers,
  type PeerViewersOptions,
} from "./peers/viewers.ts";
export * from "./publish-route.ts";
export type { PublisherApi } from "./publisher-api.ts";
export { createHttpPublisherApi, createPublisherApiRoutes } from "./publisher-api-http.ts";
