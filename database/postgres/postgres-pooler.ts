/**
 * PgBouncer and other poolers that give a server connection to another client after each
 * transaction. Named prepared statements of two clients collide then, and startup parameters may
 * be rejected. Both fail before a statement runs, so the same call may be repeated.
 */

import { SQL } from "bun";

/** `prepared statement "P0" already exists`, and `does not exist`. */
const STATEMENT_CLASH = new Set(["42P05", "26000"]);

export function isPoolerRefusal(error: unknown): boolean {
  if (!(error instanceof SQL.PostgresError)) return false;
  const state = error.errno ?? "";
  if (STATEMENT_CLASH.has(state)) return true;
  return state === "08P01" && error.message.includes("unsupported startup parameter");
}

/** For the logger: what it means and what to do. `endpoint` is host, port and database. */
export function poolerSentence(endpoint: string): string {
  return (
    `${endpoint} is a pooler in transaction mode: statements are no longer prepared, and the ` +
    "server's time-outs are not set by this process. Set them for the role instead " +
    "(ALTER ROLE … SET statement_timeout = '5s', idle_in_transaction_session_timeout = '5s'), " +
    "or name PostgreSQL itself in --database"
  );
}
