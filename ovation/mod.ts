/**
 * ovation: the command. Roles, configuration, wiring, tokens: the one place that knows which form of
 * each interface is in use.
 */
export * from "./all-in-one.ts";
