/**
 * What people write, made storable: comments, names, titles. Text stays text: nothing in it is ever
 * interpreted, and a page must show it as text.
 */

import { Problem } from "@ovation/protocol";
import { BADGES, soundsLikeStaff } from "./look-alikes.ts";
import { isBlank, withoutInvisible, withoutTowers } from "./visible-text.ts";

/** Line ends, tabs and their Unicode relatives: a comment is one line. */
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
const CONTROL = /\p{Cc}/u;
/** Direction overrides and invisible spaces: in a name they serve only to look like another one. */
const DECEPTIVE = /[\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;
const DECEPTIVE_RUNS = new RegExp(`(?:${DECEPTIVE.source})+`, "gu");
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
  if (isBlank(text)) throw new Problem("text-empty");
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

/**
 * The name of a guest: a line, without what shows nothing. Throws as {@link cleanLine}, and
 * `invalid-text` where a character only deceives.
 */
export function cleanName(text: string, codePointsMax: number): string {
  const name = spaced(
    withoutInvisible(cleanLine(text, codePointsMax).normalize("NFC"), (character) => {
      if (DECEPTIVE.test(character))
        throw new Problem(
          "invalid-text",
          "The name has characters that cannot be seen: leave them out",
        );
    }),
  );
  if (isBlank(name)) throw new Problem("text-empty");
  return withoutTowers(name);
}

/**
 * A guest's name as {@link cleanName}, which says nothing of being staff. Throws `name-taken` where
 * it does.
 */
export function cleanGuestName(text: string, codePointsMax: number): string {
  const name = spaced(cleanName(text, codePointsMax).replace(BADGES, ""));
  if (isBlank(name)) throw new Problem("text-empty");
  if (soundsLikeStaff(name))
    throw new Problem("name-taken", "Hosts and moderators are called so: choose another name");
  return name;
}

/** The name that a login knows, as it is shown: never refused, perhaps empty. */
export function shownName(text: string, codePointsMax: number): string {
  if (ASCII_PRINTABLE.test(text)) return spaced(text).slice(0, codePointsMax).trim();
  const plain = text
    .toWellFormed()
    .normalize("NFC")
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  const name = spaced(withoutTowers(withoutInvisible(plain.replace(DECEPTIVE_RUNS, keepInFlags))));
  const cut = withoutInvisible([...name].slice(0, codePointsMax).join("")).trim();
  return isBlank(cut) ? "" : cut;
}

/** The tags of a flag are not there to deceive: `withoutInvisible` knows which are. */
function keepInFlags(run: string): string {
  return /^[\u{e0000}-\u{e007f}]+$/u.test(run) ? run : " ";
}

function spaced(name: string): string {
  return name.replace(/\p{Z}+/gu, " ").trim();
}
