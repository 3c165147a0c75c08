/** Every bound of a database, with its name. */

/** PostgreSQL cancels a statement that takes longer, where the client asks for it. */
export const POSTGRES_STATEMENT_MS_MAX = 5_000;

/** A query without an answer for this long fails, and its pool is replaced. */
export const POSTGRES_ANSWER_MS_MAX = 8_000;

/** How long a connection may take to open. */
export const POSTGRES_CONNECT_MS_MAX = 3_000;

/** Connections of one process to one store; further statements wait. */
export const CONNECTIONS_MAX = 4;

/** How long making the tables may take: they may be large, and another process may be at it. */
export const MIGRATE_MS_MAX = 10 * 60_000;

/** How long opening an SQLite file waits while another process migrates it. */
export const SQLITE_MIGRATE_BUSY_MS = 5_000;

/** How long a store waits for another process: its thread serves all streams meanwhile. */
export const SQLITE_STORE_BUSY_MS = 100;

/** Files up to this size are checked page by page when they are opened. */
export const SQLITE_CHECK_BYTES_MAX = 128 * 1024 * 1024;

/** Problems that a check of a file lists; more are counted. */
export const ROW_PROBLEMS_MAX = 100;
