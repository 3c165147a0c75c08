/** The body of a publish: one event, a list, or NDJSON. `data` stays as its sender wrote it. */

import {
  InexactJsonError,
  JSON_DEPTH_MAX,
  type JsonText,
  Problem,
  PUBLISH_EVENTS_MAX,
  parseJsonText,
  scanJson,
  toJsonText,
} from "@ovation/protocol";

/** One event of a body. */
export interface PublishedValue {
  /** As `JSON.parse` reads it. */
  readonly value: unknown;
  /** The text of its `data`; absent where it has none. */
  readonly data: JsonText | undefined;
}

const LINES: ReadonlySet<string> = new Set([
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
]);
const decoder = new TextDecoder("utf-8", { fatal: true });
const JSONS: ReadonlySet<string> = new Set(["application/json", "text/json"]);

/** Throws `invalid-json`, `invalid-body`, `unsupported-media-type`. */
export function parsePublishedBody(
  bytes: Uint8Array,
  contentType: string | null,
): readonly PublishedValue[] {
  const type = (contentType ?? "application/json").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  let values: readonly PublishedValue[];
  if (LINES.has(type)) values = parseLines(bytes);
  else if (JSONS.has(type)) values = parseValues(bytes);
  else throw new Problem("unsupported-media-type");
  if (values.length === 0) throw new Problem("invalid-body", "there is no event in the body");
  if (values.length > PUBLISH_EVENTS_MAX) throw tooMany();
  return values;
}

function tooMany(): Problem {
  return new Problem("invalid-body", `at most ${PUBLISH_EVENTS_MAX} events in one request`);
}

function parseValues(bytes: Uint8Array): PublishedValue[] {
  const { value, text } = parseJsonText(bytes);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const canonical = readCanonical(value, list, text);
  if (canonical !== undefined) return canonical;
  const data = scan(text);
  return list.map((one, index) => ({ value: one, data: data[index] }));
}

/**
 * Hot path: the events of a canonical text, which is the text that `JSON.stringify` writes; most
 * publishers send it. No number in it is rounded, and no property duplicated or in another order:
 * `data` as `JSON.stringify` writes it is `data` as its sender wrote it. `scan` takes three times
 * as long (`publish.bench.ts`: read).
 *
 * Returns `undefined` where the text is not canonical, or so deep that only `scan` is safe.
 */
function readCanonical(
  value: unknown,
  list: readonly unknown[],
  text: string,
): PublishedValue[] | undefined {
  if (text.includes("\\u") || text.includes("__proto__")) return undefined;
  try {
    if (JSON.stringify(value) !== text) return undefined;
  } catch (error) {
    // So deep that writing it again overflows the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const values = list.map((one) => ({ value: one, data: dataOf(one) }));
  return values.every(isShallow) ? values : undefined;
}

function dataOf(value: unknown): JsonText | undefined {
  if (typeof value !== "object" || value === null || !("data" in value)) return undefined;
  return toJsonText(value.data);
}

/** A text that is shorter cannot be deeper. */
function isShallow({ value, data }: PublishedValue): boolean {
  if (data === undefined || data.length <= 2 * JSON_DEPTH_MAX) return true;
  return hasLevels((value as { readonly data?: unknown }).data, JSON_DEPTH_MAX);
}

function hasLevels(value: unknown, most: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (most === 0) return false;
  for (const child of Array.isArray(value) ? value : Object.values(value))
    if (!hasLevels(child, most - 1)) return false;
  return true;
}

/** `index` where the text is one event of several. */
function scan(text: string, index?: number): readonly (JsonText | undefined)[] {
  try {
    return scanJson(text, { member: "data" });
  } catch (error) {
    if (!(error instanceof InexactJsonError)) throw error;
    const at = index ?? Number(/^\[([0-9]+)\]/.exec(error.path)?.[1] ?? 0);
    const detail = error.message.replace(/^\[[0-9]+\]\.?/, "");
    throw new Problem("invalid-body", `event ${at}: ${detail}`, { index: at });
  }
}

function parseLines(bytes: Uint8Array): PublishedValue[] {
  return readCanonicalLines(bytes) ?? scanLines(bytes);
}

/**
 * Hot path: lines in canonical form, parsed natively in one call. The parser stops at the first
 * line that is not JSON: then the values are not the whole text, and `scanLines` finds the line.
 */
function readCanonicalLines(bytes: Uint8Array): PublishedValue[] | undefined {
  let values: unknown[];
  let text: string;
  try {
    text = decoder.decode(bytes);
    values = Bun.JSONL.parse(text);
  } catch {
    return undefined;
  }
  if (values.length > PUBLISH_EVENTS_MAX || values.some(Array.isArray)) return undefined;
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  return readCanonical(values, values, `[${lines.replaceAll("\n", ",")}]`);
}

function scanLines(bytes: Uint8Array): PublishedValue[] {
  const values: PublishedValue[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    start = end + 1;
    if (text.every((byte) => byte === 32 || byte === 13 || byte === 9)) continue;
    if (values.length >= PUBLISH_EVENTS_MAX) throw tooMany();
    values.push(parseLine(text, line, values.length));
  }
  return values;
}

function parseLine(bytes: Uint8Array, line: number, index: number): PublishedValue {
  let parsed: { readonly value: unknown; readonly text: string };
  try {
    parsed = parseJsonText(bytes);
  } catch {
    throw new Problem("invalid-json", `line ${line} is not valid JSON`, { line });
  }
  if (Array.isArray(parsed.value))
    throw new Problem("invalid-body", `line ${line} is a list, not an event`, { line });
  return { value: parsed.value, data: scan(parsed.text, index)[0] };
}
