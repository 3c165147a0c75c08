/** Logs failures that the process survives. */

import { type Clock, steadyClock } from "@ovation/protocol";
import type { Logger } from "pino";
import { createLogThrottle } from "./log-throttle.ts";

/** Throttled: while a store is unreachable every publish fails, thousands of times a second. */
export function createFailureLogger(
  logger: Logger,
  clock: Clock = steadyClock,
): (what: string, error: unknown) => void {
  const throttle = createLogThrottle(clock);
  return (what, error) =>
    throttle(what, (suppressed) =>
      logger.warn(
        { error, what, ...suppressed },
        "an operation failed; the process continues with all others. `error` has the cause",
      ),
    );
}
