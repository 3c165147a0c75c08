/**
 * A line of a process's log as it is read at a terminal: what happened first, then with what; no
 * stack.
 */

export function formatLogLine(name: string, line: string): string {
  const { level, time: _time, msg, what, error, ...rest } = parse(line);
  if (typeof msg !== "string") return `${name}: ${line}`;
  const cause =
    typeof error === "object" && error !== null && "message" in error ? error.message : error;
  const details = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const parts = [what, cause, ...details].filter((part) => part !== undefined);
  return `${name}: ${level === "warn" ? "" : `${level}: `}${msg}${parts.length > 0 ? ` (${parts.join("; ")})` : ""}`;
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not from the log: a crash of the runtime, say. Shown as it is.
    return {};
  }
}
