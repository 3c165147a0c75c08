/**
 * database: how the log and the stores of the comments service use PostgreSQL and SQLite.
 *
 * `PostgresClient` has the pools, a deadline for each query and the adaptation to a transaction
 * pooler. Errors of both databases become those of `errors.ts`: `postgres/sqlstate.ts` is the one
 * table for PostgreSQL, `sqlite/sqlite-code.ts` the one for SQLite. `migrations.ts` decides what
 * a database lacks, and every SQLite file is opened by `sqlite/sqlite-file.ts`.
 *
 * Life cycle: a client opens connections with its first query, and again after a failure; `close`
 * ends them.
 */
export * from "./errors.ts";
export * from "./limits.ts";
export * from "./migrations.ts";
export * from "./postgres/postgres-client.ts";
export * from "./postgres/postgres-migrations.ts";
export { openPostgresDatabase } from "./postgres/sql-database-postgres.ts";
export * from "./sql-database.ts";
export * from "./sqlite/row-walk.ts";
export { openSqliteDatabase } from "./sqlite/sql-database-sqlite.ts";
export * from "./sqlite/sqlite-code.ts";
export * from "./sqlite/sqlite-file.ts";
export * from "./sqlite/sqlite-lock.ts";
export * from "./sqlite/sqlite-migrations.ts";
export { damageOfWal } from "./sqlite/sqlite-wal.ts";
