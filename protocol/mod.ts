/**
 * protocol: what travels between browsers, frontends, dispatchers and the comments service. Types,
 * parsing and formatting only: no dependency, no I/O, no clock, so that it runs in a browser as
 * well.
 */

export * from "./addresses/address-group.ts";
export * from "./addresses/address-pools.ts";
export * from "./addresses/address-pools-memory.ts";
export * from "./addresses/address-tally.ts";
export * from "./backoff.ts";
export * from "./caches/cache.ts";
export * from "./caches/loading-cache.ts";
export * from "./events/event.ts";
export * from "./events/frame.ts";
export * from "./events/gap.ts";
export * from "./events/guest-upgrade.ts";
export * from "./events/merge.ts";
export * from "./events/pending-counts.ts";
export * from "./events/pending-events.ts";
export * from "./events/position.ts";
export * from "./exact-json.ts";
export * from "./identifiers.ts";
export * from "./identity.ts";
export * from "./limits.ts";
export * from "./policy.ts";
export * from "./requests/body.ts";
export * from "./requests/problem.ts";
export * from "./requests/route.ts";
export * from "./requests/source-answer.ts";
export * from "./topic.ts";
