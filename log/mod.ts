/** log: the durable lane's memory. The interface, and one file per form of it. */
export * from "./log.ts";
export * from "./log-export.ts";
export * from "./log-import.ts";
export * from "./log-memory.ts";
export * from "./log-postgres.ts";
export * from "./log-sqlite.ts";
export * from "./log-verify.ts";
export * from "./open-log.ts";
