/**
 * Judges a server on damaged data: each response is that of the undamaged data, or a refusal that
 * names the damaged file.
 */

import type { ServerRun } from "./server-run.ts";

/** A store whose write-ahead log is damaged starts with the earlier changes, and reports it. */
const LOST_CHANGES = /lost its last changes/;
const NAMED = /\.sqlite/;

/** What is wrong with a run on damaged data, compared with one on undamaged data. */
export function judgeDamaged(expected: ServerRun, actual: ServerRun): string | undefined {
  const text = actual.lines.join("\n");
  if (/uncaught|unhandled/i.test(text)) return `the server ended by an exception: ${tail(actual)}`;
  if (actual.exported.code !== 0 && !NAMED.test(actual.exported.errors))
    return `log export fails and does not name the file: ${actual.exported.errors.slice(0, 300)}`;
  if (actual.exported.code === 0 && actual.exported.output !== expected.exported.output)
    return `log export gives other events: ${firstOther(expected, actual)}`;
  if (actual.ended !== undefined) {
    if (actual.ended === 0 || typeof actual.ended !== "number")
      return `the server ended with ${actual.ended}`;
    return NAMED.test(text)
      ? undefined
      : `the server does not name what is damaged: ${tail(actual)}`;
  }
  for (const [path, { status, body }] of actual.responses) {
    const undamaged = expected.responses.get(path);
    if (status === 503) continue;
    const isOfStores = !path.includes("/comments");
    if (isOfStores && LOST_CHANGES.test(text)) continue;
    if (undamaged === undefined || status !== undamaged.status || body !== undamaged.body)
      return `${path} is answered ${status} ${start(body)}, not ${start(undamaged?.body)}`;
  }
  return undefined;
}

/** After a loss of power the log has every commit, and the server starts. */
export function judgeUnsynced(expected: ServerRun, actual: ServerRun): string | undefined {
  if (actual.ended !== undefined) return `the server ended with ${actual.ended}: ${tail(actual)}`;
  if (actual.exported.code !== 0)
    return `log export fails: ${actual.exported.errors.slice(0, 300)}`;
  for (const [path, { status, body }] of actual.responses) {
    if (!path.includes("/comments")) continue;
    if (status !== 200 || body !== expected.responses.get(path)?.body)
      return `${path} is answered ${status} ${body.slice(0, 200)}`;
  }
  return actual.exported.output === expected.exported.output
    ? undefined
    : `log export gives other events: ${firstOther(expected, actual)}`;
}

function firstOther(expected: ServerRun, actual: ServerRun): string {
  const [right, given] = [expected, actual].map(({ exported }) => exported.output.split("\n"));
  const index = given?.findIndex((line, at) => line !== right?.[at]) ?? -1;
  return index < 0 ? "the last are missing" : `line ${index + 1}: ${given?.[index]?.slice(0, 200)}`;
}

function start(text: string | undefined): string {
  return text?.slice(0, 200) ?? "nothing";
}

function tail({ lines }: ServerRun): string {
  return lines.slice(-3).join(" | ").slice(0, 500);
}
