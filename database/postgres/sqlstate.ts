/**
 * The one table from PostgreSQL's SQLSTATE to what a caller can do.
 * [spec] https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

export type SqlstateKind = "unavailable" | "full" | "conflict" | "unusable" | "statement";

/** A code or, of two characters, its class. The longest match counts. */
const KINDS: ReadonlyMap<string, SqlstateKind> = new Map([
  // Connection exception.
  ["08", "unavailable"],
  // read_only_sql_transaction: a standby, which takes no writes.
  ["25006", "unavailable"],
  // idle_in_transaction_session_timeout and transaction_timeout: the server ended the connection.
  ["25P03", "unavailable"],
  ["25P04", "unavailable"],
  // Authorization, password, database: the operator's settings.
  ["28000", "unusable"],
  ["28P01", "unusable"],
  ["3D000", "unusable"],
  // serialization_failure and deadlock_detected.
  ["40001", "conflict"],
  ["40P01", "conflict"],
  // insufficient_privilege.
  ["42501", "unusable"],
  // Insufficient resources; disk_full.
  ["53", "unavailable"],
  ["53100", "full"],
  // lock_not_available.
  ["55P03", "unavailable"],
  // Operator intervention (shutdown, cancelled by a time-out); system error outside PostgreSQL.
  ["57", "unavailable"],
  ["58", "unavailable"],
]);

/** Of a state that is not in the table: the statement or its values are to blame. */
export function kindOfSqlstate(state: string): SqlstateKind {
  return KINDS.get(state) ?? KINDS.get(state.slice(0, 2)) ?? "statement";
}
