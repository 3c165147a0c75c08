/**
 * frontend: holds connections and broadcasts to them. It knows dispatchers (`Upstream`), not the
 * table or the log behind them.
 *
 * Life cycle: `new Frontend(options)`, `start()`, routes on a listener, events into `dispatch`;
 * then `drain()` and `stop()`.
 *
 * Invariants: nothing waits for a viewer; a batch is encoded once; what a connection has not been
 * sent is a place in a ring, never a queue of its own; durable events of a topic leave in order,
 * without a hole.
 */

export type { Authorize } from "./authorize.ts";
export { type ChangeLimits, DEFAULT_CHANGES, OPEN_CHANGES } from "./change-rates.ts";
export {
  type AdmissionLimits,
  DEFAULT_ADMISSION,
  OPEN_ADMISSION,
} from "./connections/admission.ts";
export type { Connection } from "./connections/connection.ts";
export type { ConnectRequest } from "./connections/connections.ts";
export { wireForm } from "./connections/wire-form.ts";
export type { Counters } from "./counters.ts";
export { createEventsRoute, type EventsRouteOptions } from "./events-route.ts";
export { Frontend } from "./frontend.ts";
export type { FrontendOptions } from "./frontend-options.ts";
export { RETURN_SPREAD_MS } from "./limits.ts";
export { registerFrontendMetrics } from "./metrics.ts";
export { Polls } from "./polls.ts";
export { DEFAULT_REPLAY, OPEN_REPLAY, type ReplayLimits } from "./recovery/replay-budget.ts";
export { createSubscriptionsRoutes } from "./subscriptions-route.ts";
export { DEFAULT_TOPICS, OPEN_TOPICS, type TopicLimits } from "./topic-shares.ts";
export * from "./upstream/upstream.ts";
