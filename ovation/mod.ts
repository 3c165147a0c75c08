/**
 * ovation: the command. Roles, configuration, wiring, tokens: the one place that knows which form
 * of each interface is in use.
 */

export { startAllInOne } from "./roles/all-in-one.ts";
export type { RunningRole } from "./roles/running-role.ts";
export type { Settings } from "./settings/settings.ts";
