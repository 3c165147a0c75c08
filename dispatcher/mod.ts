/**
 * dispatcher: publish, lookup, dispatch, forward. Stateless: any backend may publish to any dispatcher,
 * any frontend may subscribe through any dispatcher.
 *
 * Life cycle: a `Dispatcher` is made over a table, a log and the links to frontends; whoever made those
 * closes them.
 */

export * from "./dispatcher.ts";
export * from "./dispatcher-api.ts";
export * from "./frontend-calls.ts";
export * from "./frontend-link.ts";
export * from "./frontend-link-local.ts";
export * from "./publish-route.ts";
