/** Servers for the tests of other folders: a private PostgreSQL, and a PgBouncer before it. */

export * from "./pgbouncer.ts";
export * from "./postgres.ts";
