/**
 * table: which frontends have a viewer of a topic. The interface, and one file per form of it.
 */

export * from "./subscription-table.ts";
export * from "./subscription-table-memory.ts";
