/**
 * log: the store of the durable lane. It gives an event its place (topic, contiguous number from 1)
 * and keeps it.
 *
 * `openLog` chooses the form: an SQLite file for one machine, PostgreSQL for a cluster; no other
 * code knows which one is in use. `MemoryLog` is for simulations and tests. All hold the
 * specification in `log.ts`, checked by `log.contract.ts`.
 *
 * open (checks, migrates, begins an epoch) → append, read, … → close (commits pending appends). A
 * timer of its opener calls `trim`. `verifyLog`, `exportLog` and `importLog` are what `ovation log
 * …` runs.
 */

export * from "./archive/log-export.ts";
export * from "./archive/log-import.ts";
export * from "./archive/log-verify.ts";
export * from "./durable-writer.ts";
export * from "./log.ts";
export * from "./log-memory.ts";
export * from "./open-log.ts";
export { Outbox, type OutboxOptions } from "./outbox.ts";
export * from "./postgres/log-postgres.ts";
export * from "./sqlite/log-sqlite.ts";
export { LogWalk } from "./sqlite/sqlite-walk.ts";
