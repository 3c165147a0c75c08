/**
 * JSON that arrives as it was sent. `JSON.parse` and `JSON.stringify` change values silently:
 * integers beyond 2^53, numbers with more digits than a double has, `1e999`, `-0`, duplicate
 * properties. So the text itself is carried, and what a reader would parse differently than its
 * sender meant is refused, by its path.
 *
 * Carried byte for byte, except whitespace between tokens: `1.0`, `-0`, `1e3`, escapes, the order
 * of properties.
 */

import type { JsonText } from "./events/event.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";

/** Valid JSON that cannot be carried exactly; the message names the value and its path. */
export class InexactJsonError extends Error {
  override readonly name = "InexactJsonError";
  /** From the outermost value: `[3].data.score`. */
  readonly path: string;

  constructor(path: readonly (string | number)[], reason: string) {
    const text = formatPath(path);
    super(text === "" ? reason : `${text}: ${reason}`);
    this.path = text;
  }
}

export interface ScanOptions {
  /** A property of the outermost object, or of each object in the outermost array, to extract. */
  readonly member?: string;
  /** Whether lone surrogates pass: for texts that have rules of their own. */
  readonly anyUnits?: boolean;
  /** Nothing is refused: for data that was accepted before. */
  readonly unchecked?: boolean;
}

const [SPACE, QUOTE, PLUS, MINUS, DOT] = [32, 34, 43, 45, 46];
const [BIG_E, OPEN_LIST, BACKSLASH, UNDERSCORE] = [69, 91, 92, 95];
const [SMALL_E, SMALL_F, SMALL_N, SMALL_T, OPEN_OBJECT] = [101, 102, 110, 116, 123];
const [CLOSE_LIST, CLOSE_OBJECT] = [93, 125];
/** The end of a string is searched by hand up to here: a native search costs as much as this. */
const NEAR_CHARACTERS = 32;
/** Every number of this many decimal digits survives a round trip through a double. */
const EXACT_DIGITS = 15;
/** A double has at most 1,075 significant digits; checking a longer literal costs its square. */
export const NUMBER_CHARACTERS_MAX = 1_100;
const SHOWN_CHARACTERS_MAX = 40;
/** `"\\ud800"` */
const MIN_ESCAPE_CHARACTERS = 8;

/** An open list or object. */
interface Open {
  isList: boolean;
  /** In a list, the index of the current element. */
  index: number;
  /** In an object, where the names of its properties begin, the current one last. */
  readonly names: number[];
  /** A few bits of each name: two that differ here are different names. */
  filter: number;
  /** Created when two names may be equal. */
  known: Set<string> | undefined;
}

interface Scan {
  readonly text: string;
  readonly options: ScanOptions;
  /** By depth; entries beyond `depth` are kept for reuse. */
  readonly open: Open[];
  depth: number;
  /** There was whitespace between tokens since this was reset. */
  isSpaced: boolean;
}

/**
 * `text` is valid JSON: `JSON.parse` accepted it. Throws {@link InexactJsonError}; returns the
 * texts of the wanted property, one for the outermost object or for each element of the outermost
 * list.
 *
 * Hot path: every published event passes here. One loop over positions; strings are allocated only
 * for the wanted property, and for names that a few bits do not tell apart
 * (`dispatcher/publish.bench.ts`: read).
 */
export function scanJson(text: string, options: ScanOptions = {}): (JsonText | undefined)[] {
  const open: Open[] = [];
  const scan: Scan = { text, options, open, depth: 0, isSpaced: false };
  const found: (JsonText | undefined)[] = [];
  let at = skipSpace(scan, 0);
  const wantedDepth = text.charCodeAt(at) === OPEN_LIST ? 2 : 1;
  // The list and the object around a wanted member do not count.
  const depthMax = JSON_DEPTH_MAX + (options.member === undefined ? 0 : wantedDepth);
  let wantedFrom = -1;
  if (wantedDepth === 1) found.push(undefined);
  for (let top: Open | undefined; ; ) {
    const unit = text.charCodeAt(at);
    let isNew = unit === OPEN_OBJECT || unit === OPEN_LIST;
    if (isNew) {
      top = enter(scan, unit === OPEN_LIST);
      if (scan.depth > depthMax)
        refuse(scan, `values are nested deeper than ${JSON_DEPTH_MAX} levels`);
      at++;
    } else at = endOfScalar(scan, at, unit);
    for (; ; isNew = false) {
      if (wantedFrom >= 0 && scan.depth === wantedDepth) {
        const wanted = text.slice(wantedFrom, at);
        found[found.length - 1] = scan.isSpaced ? withoutSpace(wanted) : (wanted as JsonText);
        wantedFrom = -1;
      }
      if (top === undefined) return found;
      at = skipSpace(scan, at);
      const next = text.charCodeAt(at);
      if (next !== CLOSE_LIST && next !== CLOSE_OBJECT) {
        if (!isNew) at = skipSpace(scan, at + 1);
        break;
      }
      scan.depth--;
      top = scan.depth === 0 ? undefined : open[scan.depth - 1];
      at++;
    }
    if (top.isList) {
      top.index++;
      if (scan.depth < wantedDepth) found.push(undefined);
    } else {
      const name = at;
      at = endOfName(scan, top, name);
      if (scan.depth === wantedDepth && isNamed(text, name, options.member)) {
        wantedFrom = at;
        scan.isSpaced = false;
      }
    }
  }
}

function enter(scan: Scan, isList: boolean): Open {
  const known = scan.open[scan.depth++];
  if (known === undefined) {
    const made: Open = { isList, index: -1, names: [], filter: 0, known: undefined };
    scan.open.push(made);
    return made;
  }
  known.isList = isList;
  known.index = -1;
  known.names.length = 0;
  known.filter = 0;
  known.known = undefined;
  return known;
}

function isNamed(text: string, start: number, member: string | undefined): boolean {
  return member !== undefined && text.startsWith(`"${member}"`, start);
}

/** The position after a name and its colon. Throws where the object already has the name. */
function endOfName(scan: Scan, object: Open, start: number): number {
  const { text } = scan;
  const end = endOfString(text, start);
  object.names.push(start);
  const first = text.charCodeAt(start + 1);
  const bit = 1 << ((first * 5 + text.charCodeAt(end - 2) * 3 + end - start) & 31);
  const mayBeKnown = (object.filter & bit) !== 0;
  object.filter |= bit;
  if (mayBeKnown || first === UNDERSCORE || object.known !== undefined || first === BACKSLASH)
    checkName(scan, object, start);
  else if (end - start > 2 && text.slice(start, end).includes("\\")) checkName(scan, object, start);
  return skipSpace(scan, skipSpace(scan, end) + 1);
}

function checkName(scan: Scan, object: Open, start: number): void {
  const name = nameAt(scan.text, start);
  if (name === "__proto__") refuse(scan, "a member of this name is not carried");
  if (object.known === undefined) {
    const before = object.names.slice(0, -1);
    object.known = new Set(before.map((one) => nameAt(scan.text, one)));
  }
  if (object.known.has(name))
    refuse(scan, "this member is there twice, and readers differ in which one counts");
  object.known.add(name);
  if (!name.isWellFormed()) refuseUnits(scan);
}

function nameAt(text: string, start: number): string {
  return JSON.parse(text.slice(start, endOfString(text, start))) as string;
}

function endOfScalar(scan: Scan, start: number, unit: number): number {
  if (unit === QUOTE) {
    const end = endOfString(scan.text, start);
    checkUnits(scan, start, end);
    return end;
  }
  if (unit === SMALL_T || unit === SMALL_N) return start + 4;
  return unit === SMALL_F ? start + 5 : endOfNumber(scan, start);
}

/** The position after the string that begins here. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  for (const near = end + NEAR_CHARACTERS; end < near; end++) {
    const unit = text.charCodeAt(end);
    if (unit === QUOTE) return end + 1;
    if (unit === BACKSLASH) end++;
  }
  // An escape may have ended beyond, on a character that is part of it.
  for (end = text.indexOf('"', end); isEscaped(text, end); ) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Whether an odd number of backslashes precedes. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function checkUnits(scan: Scan, start: number, end: number): void {
  const { text, options } = scan;
  if (options.anyUnits === true || end - start < MIN_ESCAPE_CHARACTERS) return;
  const string = text.slice(start, end);
  if (!string.includes("\\u")) return;
  if (!(JSON.parse(string) as string).isWellFormed()) refuseUnits(scan);
}

function refuseUnits(scan: Scan): void {
  if (scan.options.anyUnits !== true) refuse(scan, "the string has half of a surrogate pair");
}

function endOfNumber(scan: Scan, start: number): number {
  let isPlain = true;
  let at = start;
  for (; ; at++) {
    const unit = scan.text.charCodeAt(at);
    if (unit >= 48 && unit <= 57) continue;
    if (unit === SMALL_E || unit === BIG_E) isPlain = false;
    else if (unit !== MINUS && unit !== DOT && unit !== PLUS) break;
  }
  if (isPlain && at - start <= EXACT_DIGITS) return at;
  const literal = scan.text.slice(start, at);
  if (literal.length > NUMBER_CHARACTERS_MAX || !isExact(literal)) {
    const shown =
      literal.length > SHOWN_CHARACTERS_MAX
        ? `${literal.slice(0, SHOWN_CHARACTERS_MAX)}…`
        : literal;
    refuse(scan, `${shown} is not exactly a number of 64 bits; send it as a string`);
  }
  return at;
}

function skipSpace(scan: Scan, from: number): number {
  const { text } = scan;
  if (text.charCodeAt(from) > SPACE) return from;
  scan.isSpaced = true;
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
}

function refuse({ text, options, open, depth }: Scan, reason: string): void {
  if (options.unchecked === true) return;
  const path: (string | number)[] = [];
  for (const { isList, index, names } of open.slice(0, depth)) {
    const name = names.at(-1);
    if (isList) {
      if (index >= 0) path.push(index);
    } else if (name !== undefined) path.push(nameAt(text, name));
  }
  throw new InexactJsonError(path, reason);
}

/** Whether a double, formatted again, is the same decimal number. */
function isExact(literal: string): boolean {
  const value = Number(literal);
  return Number.isFinite(value) && decimalOf(literal) === decimalOf(String(value));
}

/** Digits and exponent, so that `1.50e3` and `1500` are equal. Every reader keeps the sign. */
function decimalOf(literal: string): string {
  const [mantissa = "", exponent = "0"] = literal.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const scale = BigInt(exponent) - BigInt(fraction.length - (digits.length - significant.length));
  return `${significant}e${scale}`;
}

/** Removes whitespace between the tokens of valid JSON; strings stay as they are. */
function withoutSpace(text: string): JsonText {
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, "$1") as JsonText;
}

function formatPath(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step.slice(0, 64).toWellFormed())}]`;
  }
  return text;
}
