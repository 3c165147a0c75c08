/** What can be wrong with a database, by what the caller can do about it. */

/** The database cannot be reached or did not answer; nothing was stored. Try again later. */
export class DatabaseUnavailableError extends Error {
  override readonly name: string = "DatabaseUnavailableError";
}

/** The database has no room; nothing was stored. */
export class DatabaseFullError extends DatabaseUnavailableError {
  override readonly name = "DatabaseFullError";
}

/** The transaction was rolled back because of concurrent ones. The same one may succeed now. */
export class DatabaseConflictError extends DatabaseUnavailableError {
  override readonly name = "DatabaseConflictError";
}

/** A row is not what was written, and what was asked for depends on it. */
export class DatabaseDamagedError extends DatabaseUnavailableError {
  override readonly name = "DatabaseDamagedError";
}

/**
 * Not a database that this version may use: of a newer version, corrupt, of another program, or
 * without the rights that it needs. An operator has to act.
 */
export class DatabaseUnusableError extends Error {
  override readonly name = "DatabaseUnusableError";
}

/** The statement or its values are wrong: the same one fails again. */
export class DatabaseStatementError extends Error {
  override readonly name = "DatabaseStatementError";
}
