/**
 * ovation: the command. Roles, configuration, wiring, tokens: the one place that knows which form of
 * each interface is in use.
 */
export type { Node, Settings } from "./parts/settings.ts";
export { startAllInOne } from "./roles/all-in-one.ts";
