/** The life of the process: SIGTERM and SIGINT drain, a second one ends at once. */

import type { Logger } from "pino";

/** Resolves when the process is asked to end. A second signal ends it without waiting. */
export function untilSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (asked) {
          logger.warn({ signal }, "asked twice: ending without draining");
          process.exit(1);
        }
        asked = true;
        resolve(signal);
      });
    }
  });
}

/** A programmer's error ends the process, and says what it was: a supervisor starts it anew. */
export function crashOnUncaught(logger: Logger): void {
  process.on("uncaughtException", (error) => {
    logger.fatal({ error }, "uncaught exception");
    process.exit(70);
  });
  process.on("unhandledRejection", (error) => {
    logger.fatal({ error }, "unhandled rejection");
    process.exit(70);
  });
}
