/**
 * client: the SDK. One connection, many topics; each durable event once and in order.
 *
 * `createClient()` → `subscribe(topic, {comment(event) {…}})`. The connection opens with the first
 * subscription and closes with the last; in between it reconnects by itself and resumes from its
 * position. Runs in browsers, Node from 20 on, and Bun; no runtime dependency.
 *
 * Invariants: a callback gets a topic's durable events as 1, 2, 3 … from its head on, each once, or
 * `onReset` says where they resume; memory is bounded by `limits.ts`.
 */

export { createClient } from "./client.ts";
export type * from "./event-types.ts";
export type * from "./members/member-types.ts";
export { ApiError, type ApiErrorShape } from "./requests/api-error.ts";
export type {
  OpenTransport,
  Transport,
  TransportCallbacks,
  TransportEnd,
  TransportRequest,
} from "./transport/transport.ts";
export type * from "./types.ts";
