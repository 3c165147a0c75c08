/** Errors of the log and of the stores, as responses. */

import { DatabaseDamagedError, DatabaseUnavailableError } from "@ovation/database";
import { LogDamagedError, LogFullError, LogUnavailableError } from "@ovation/log";
import { Problem, type Route } from "@ovation/protocol";
import type { Metrics } from "../metrics.ts";

/** The route with errors of the log and of the stores as Problems; counts refusals. */
export function guardRoute(metrics: Metrics, route: Route): Route {
  return {
    ...route,
    async handle(request, context) {
      try {
        return await route.handle(request, context);
      } catch (error) {
        const known = toProblem(error);
        if (known === undefined) throw error;
        metrics.refused.inc({ code: known.code });
        throw known;
      }
    },
  };
}

function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof LogFullError)
    return new Problem("log-full", undefined, { retryAfterMs: 5_000 });
  if (error instanceof LogDamagedError)
    return new Problem("unavailable", "A part of the log is damaged", { retryAfterMs: 60_000 });
  if (error instanceof DatabaseDamagedError)
    return new Problem("unavailable", "A part of the database is damaged", {
      retryAfterMs: 60_000,
    });
  if (error instanceof LogUnavailableError || error instanceof DatabaseUnavailableError) {
    return new Problem("unavailable", "The database does not answer", { retryAfterMs: 1_000 });
  }
  return undefined;
}
