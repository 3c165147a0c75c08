/**
 * database: how the log and the stores of the comments service use PostgreSQL and SQLite.
 *
 * `PostgresClient` has the pools, a deadline for each query and the adaptation to a transaction
 * pooler. Errors of both databases become those of `errors.ts`: `postgres/sqlstate.ts` is the one
 * table for PostgreSQL.
 *
 * Life cycle: a client opens connections with its first query, and again after a failure; `close`
 * ends them.
 */
export * from "./errors.ts";
export * from "./limits.ts";
export * from "./postgres/postgres-client.ts";
export { openPostgresDatabase } from "./postgres/sql-database-postgres.ts";
export * from "./sql-database.ts";
export * from "./sqlite/row-walk.ts";
export { openSqliteDatabase } from "./sqlite/sql-database-sqlite.ts";
export { damageOfWal } from "./sqlite/sqlite-wal.ts";
