/** Values of a recording as other programs write them, in our form where that is possible. */

import { parseDuration } from "./duration.ts";
import { OFFSET_SECONDS_MAX } from "./limits.ts";
import type { RecordedRole } from "./recording.ts";

/** Who an item without an author is by. */
export const NO_AUTHOR = "someone";

/** A value, and what was changed in it. */
export interface Read<Value> {
  readonly value: Value;
  readonly corrected?: string;
}

/** Seconds, also as text (`"12.5"`, `"1:02:03"`); undefined where it is no time. */
export function readOffset(value: unknown): Read<number> | undefined {
  const seconds = typeof value === "string" ? secondsOf(value.trim()) : value;
  if (typeof seconds !== "number" || !(Math.abs(seconds) <= OFFSET_SECONDS_MAX)) return undefined;
  return typeof value === "string"
    ? { value: seconds, corrected: "a time as text" }
    : { value: seconds };
}

function secondsOf(text: string): number | undefined {
  const isBefore = text.startsWith("-");
  const seconds = parseDuration(isBefore ? text.slice(1) : text);
  return seconds === undefined || !isBefore ? seconds : -seconds;
}

/** Undefined where it is neither text nor a number. */
export function readText(value: unknown): Read<string> | undefined {
  if (typeof value === "string") return { value };
  return typeof value === "number"
    ? { value: String(value), corrected: "a number as text" }
    : undefined;
}

export function readAuthor(value: unknown): Read<string> {
  const text = readText(value);
  if (text === undefined || text.value.trim() === "")
    return { value: NO_AUTHOR, corrected: "no author" };
  return text.corrected === undefined ? text : { ...text, corrected: "a number as author" };
}

export function readRole(value: unknown): Read<RecordedRole> {
  if (value === "host" || value === "moderator" || value === "member") return { value };
  return value === undefined || value === null
    ? { value: "member" }
    : { value: "member", corrected: "an unknown role" };
}

/** Shortens what stands in messages. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
