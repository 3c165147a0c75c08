/**
 * ovation: the command. Roles, configuration, wiring, tokens: the one place that knows which form of
 * each interface is in use.
 */

export { startAllInOne } from "./roles/all-in-one.ts";
export type { Node, Settings } from "./wiring/settings.ts";
