/** The life of the process: SIGTERM and SIGINT drain, a second one ends at once. */

import type { Logger } from "pino";

/**
 * The same request: a terminal's Ctrl-C and systemd's stop tell every process at once, and a process that was told tells those
 * that it started.
 */
const SAME_REQUEST_MS = 1000;

/** Resolves when the process is asked to end. A second signal, a moment later or more, ends it without waiting. */
export function untilSignal(
  logger: Pick<Logger, "warn">,
  signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"],
): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    for (const signal of signals) {
      process.on(signal, () => {
        if (askedAt !== undefined && performance.now() - askedAt > SAME_REQUEST_MS) {
          logger.warn({ signal }, "asked twice: ending without draining");
          process.exit(1);
        }
        askedAt ??= performance.now();
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
