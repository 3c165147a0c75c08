/** The log's connections to PostgreSQL: one pool for appends, one for reads. */

import {
  DatabaseConflictError,
  DatabaseFullError,
  DatabaseUnavailableError,
  DatabaseUnusableError,
  PostgresClient,
} from "@ovation/database";
import { POSTGRES_APPENDS_MAX, POSTGRES_READS_MAX } from "../limits.ts";
import { LogFullError, LogUnavailableError, LogUnusableError } from "../log.ts";

export interface LogClientOptions {
  readonly answerMsMax?: number | undefined;
  /** Default "ovation-log". */
  readonly applicationName?: string;
  /** Begin as behind a transaction pooler. Default false. */
  readonly isPooled?: boolean;
  onPooler?(sentence: string): void;
}

export class LogClient extends PostgresClient<"appends" | "reads"> {
  constructor(url: string, options: LogClientOptions = {}) {
    super({
      applicationName: "ovation-log",
      ...options,
      url,
      name: "the log's database",
      pools: { appends: POSTGRES_APPENDS_MAX, reads: POSTGRES_READS_MAX },
      hasServerTimeouts: true,
      translate: logErrorFrom,
    });
  }
}

/** A conflict and a wrong statement stay what they are: only the caller knows what to do. */
function logErrorFrom(error: Error): Error {
  const { message } = error;
  if (error instanceof DatabaseConflictError) return error;
  if (error instanceof DatabaseFullError) return new LogFullError(message);
  if (error instanceof DatabaseUnavailableError) return new LogUnavailableError(message);
  if (error instanceof DatabaseUnusableError) return new LogUnusableError(message);
  return error;
}
