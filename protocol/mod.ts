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
export * from "./body.ts";
export * from "./cache.ts";
export * from "./event.ts";
export * from "./exact-json.ts";
export * from "./frame.ts";
export * from "./gap.ts";
export * from "./guest-upgrade.ts";
export * from "./identifiers.ts";
export * from "./identity.ts";
export * from "./limits.ts";
export * from "./loading-cache.ts";
export * from "./merge.ts";
export * from "./pending-counts.ts";
export * from "./pending-events.ts";
export * from "./policy.ts";
export * from "./position.ts";
export * from "./problem.ts";
export * from "./route.ts";
export * from "./source-answer.ts";
export * from "./topic.ts";
