/**
 * frontend: holds connections and broadcasts to them. It knows dispatchers (`Upstream`), not the table
 * or the log behind them.
 *
 * Life cycle: `new Frontend(options)`, `start()`, routes on a listener, events into `dispatch`; then
 * `drain()` and `stop()`.
 *
 * Invariants: nothing waits for a viewer; a batch is encoded once; what a connection has not been sent
 * is a place in a ring, never a queue of its own; durable events of a topic leave in order, without a hole.
 */

export { Admission, type AdmissionLimits, DEFAULT_ADMISSION, OPEN_ADMISSION } from "./admission.ts";
export type { Authorize } from "./authorize.ts";
export { type ChangeLimits, DEFAULT_CHANGES, OPEN_CHANGES } from "./change-rates.ts";
export type { Connection } from "./connection.ts";
export type { ConnectRequest } from "./connections.ts";
export type { Counters } from "./counters.ts";
export { createEventsRoute, type EventsRouteOptions } from "./events-route.ts";
export { Evictor } from "./evictor.ts";
export { Frontend } from "./frontend.ts";
export type { FrontendOptions } from "./frontend-options.ts";
export { RETURN_SPREAD_MS } from "./limits.ts";
export { registerFrontendMetrics } from "./metrics.ts";
export { Polls } from "./polls.ts";
export { DEFAULT_REPLAY, OPEN_REPLAY, type ReplayLimits } from "./replay-budget.ts";
export { createSubscriptionsRoutes } from "./subscriptions-route.ts";
export { DEFAULT_TOPICS, OPEN_TOPICS, type TopicLimits } from "./topic-shares.ts";
export * from "./upstream.ts";
export { wireForm } from "./wire-form.ts";
