/** The program's log: JSON lines on standard error, so that standard output stays the user's. */

import { destination, type Logger, pino } from "pino";

const nothing = () => undefined;
const SILENT = { write: nothing, end: nothing, flushSync: nothing, destroy: nothing };

export function createLogger(level: string): Logger {
  // Synchronous, or `process.exit` loses the last lines: those that say what a stop lost.
  const output = destination({ dest: 2, sync: true });
  // As pino does for a pipe without a reader (EPIPE). With what waits for a terminal that was
  // closed, the process would not end.
  output.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EIO") Object.assign(output, SILENT);
  });
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        error: (error: unknown) =>
          error instanceof Error
            ? { name: error.name, message: error.message, stack: error.stack }
            : error,
      },
      // Nothing here logs requests; this is the second lock on the door.
      redact: {
        paths: ["token", "*.token", "authorization", "*.authorization", "secret", "*.secret"],
        censor: "[hidden]",
      },
    },
    output,
  );
}
