/** A log line of a process for a terminal: the message first, then its properties; no stack. */

export function formatLogLine(name: string, line: string): string {
  const { level, time: _time, msg, what, error, ...rest } = parse(line);
  if (typeof msg !== "string") return `${name}: ${line}`;
  const cause =
    typeof error === "object" && error !== null && "message" in error ? error.message : error;
  const details = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const parts = [what, cause, ...details].filter((part) => part !== undefined);
  const prefix = level === "warn" ? "" : `${level}: `;
  const suffix = parts.length > 0 ? ` (${parts.join("; ")})` : "";
  return `${name}: ${prefix}${msg}${suffix}`;
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not a log line, as of a crash of the runtime: shown unchanged.
    return {};
  }
}
