/**
 * What people write, made storable: comments, names, titles. Text stays text: nothing in it is ever
 * interpreted, and whoever shows it must show it as text.
 */

import { Problem } from "@ovation/protocol";

/** Line ends, tabs and their Unicode relatives: a comment is one line. */
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
const CONTROL = /\p{Cc}/u;
/** Nothing to see: separators, format and unassigned characters, and the blank braille pattern. */
const BLANK = /^[\p{Z}\p{Cf}\p{Cn}\u2800\u3164\u115f\u1160\uffa0]*$/u;
/** Direction overrides and invisible joints: in a name they serve only to look like another one. */
const DECEPTIVE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;
const ASCII_PRINTABLE = /^[\x20-\x7e]*$/;

/** The number of code points: what a person would count, more nearly than UTF-16 units. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdbff) index++;
    count++;
  }
  return count;
}

/**
 * One line of text, trimmed, line breaks turned into spaces.
 * Throws `invalid-text` (control characters, lone surrogates), `text-empty`, `text-too-long`.
 */
export function cleanLine(text: string, codePointsMax: number): string {
  if (!ASCII_PRINTABLE.test(text)) {
    if (!text.isWellFormed())
      throw new Problem("invalid-text", "The text has half of a surrogate pair");
    text = text.replace(LINE_BREAKS, " ");
    if (CONTROL.test(text)) throw new Problem("invalid-text", "The text has control characters");
  }
  text = text.trim();
  if (text === "" || BLANK.test(text)) throw new Problem("text-empty");
  // A text has at least half as many code points as units, so most need no counting.
  if (text.length > codePointsMax && countCodePoints(text) > codePointsMax) {
    throw new Problem("text-too-long", `At most ${codePointsMax} characters`, {
      max: codePointsMax,
    });
  }
  return text;
}

/** Several lines: line breaks stay, as LF. Throws as {@link cleanLine}; may be empty. */
export function cleanParagraphs(text: string, codePointsMax: number): string {
  if (!text.isWellFormed())
    throw new Problem("invalid-text", "The text has half of a surrogate pair");
  const clean = text
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(/[\t\v\f]/g, " ")
    .trim();
  if (CONTROL.test(clean.replaceAll("\n", "")))
    throw new Problem("invalid-text", "The text has control characters");
  if (countCodePoints(clean) > codePointsMax)
    throw new Problem("text-too-long", `At most ${codePointsMax} characters`, {
      max: codePointsMax,
    });
  return clean;
}

/** A name that is shown beside what somebody wrote: a line without characters that deceive. */
export function cleanName(text: string, codePointsMax: number): string {
  const name = cleanLine(text, codePointsMax)
    .normalize("NFC")
    .replace(/\p{Z}+/gu, " ");
  if (DECEPTIVE.test(name)) throw new Problem("invalid-text", "The name has invisible characters");
  return name;
}
