/**
 * The signals of the process: SIGTERM and SIGINT drain, a second one ends at once. SIGHUP reads
 * files again, or drains where it says that the terminal is gone. SIGUSR1 and SIGUSR2 mean nothing.
 */

import { isatty } from "node:tty";
import type { Logger } from "pino";

/**
 * The same request: a terminal's Ctrl-C and systemd's stop tell every process at once, and a
 * process that was told tells those that it started.
 */
const SAME_REQUEST_MS = 1000;

/**
 * Resolves when the process is asked to end. A second signal, a moment later or more, ends it
 * without waiting.
 */
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

/** Signals whose default is to end the process at once. */
export function ignoreSignals(signals: readonly NodeJS.Signals[]): void {
  for (const signal of signals) process.on(signal, () => undefined);
}

export interface TakenSignals {
  /** The process is asked to end. */
  readonly asked: Promise<NodeJS.Signals>;
  /** What SIGHUP does from now on; one that came before is not forgotten. Never two at a time. */
  onReload(reload: () => Promise<void>): void;
}

/** For the first moment of a server. */
export function takeSignals(
  logger: Pick<Logger, "warn">,
  isTerminalGone: () => boolean = watchTerminal(),
): TakenSignals {
  const gone = Promise.withResolvers<NodeJS.Signals>();
  let reload: (() => Promise<void>) | undefined;
  let isWanted = false;
  let isRunning = false;

  async function run(): Promise<void> {
    if (isRunning || reload === undefined) return;
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await reload();
    }
    isRunning = false;
  }

  ignoreSignals(["SIGUSR1", "SIGUSR2"]);
  process.on("SIGHUP", () => {
    if (isTerminalGone()) return gone.resolve("SIGHUP");
    isWanted = true;
    void run();
  });
  return {
    asked: Promise.race([untilSignal(logger), gone.promise]),
    onReload(given) {
      reload = given;
      void run();
    },
  };
}

/**
 * Whether standard input was a terminal and is none any more. The kernel takes a closed terminal
 * from its processes before it sends SIGHUP; one that an operator sends finds the terminal there.
 */
function watchTerminal(): () => boolean {
  const hadTerminal = isatty(0);
  return () => hadTerminal && !isatty(0);
}

/** A programmer's error ends the process, and reports it: a supervisor restarts it. */
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
