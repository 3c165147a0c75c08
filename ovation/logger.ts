/** The program's log: JSON lines on standard error, so that standard output stays the user's. */

import { destination, type Logger, pino } from "pino";

export function createLogger(level: string): Logger {
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
    destination(2),
  );
}
