/** Recorded text in the form that the server takes. */

import { shownName } from "@ovation/comments";
import { COMMENT_CODE_POINTS_MAX, NAME_CODE_POINTS_MAX } from "@ovation/protocol";
import { NO_AUTHOR } from "./recorded-values.ts";

const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;
/** Nothing to see: the server takes no such comment. */
const BLANK = /^[\p{Z}\p{Cf}\p{Cn}\u2800\u3164\u115f\u1160\uffa0]*$/u;

export interface PreparedText {
  /** Empty where nothing is left to post. */
  readonly text: string;
  /** Whether it was longer than a comment may be. */
  readonly cut: boolean;
}

/**
 * One line, well-formed, at most 200 code points; an emoji made of several is not cut in the
 * middle.
 */
export function prepareText(
  recorded: string,
  codePointsMax = COMMENT_CODE_POINTS_MAX,
): PreparedText {
  const line = recorded.toWellFormed().replace(CONTROL, " ").trim();
  if (BLANK.test(line)) return { text: "", cut: false };
  const text = cutAt(line, codePointsMax);
  return { text, cut: text.length < line.length };
}

/** As the server shows names. */
export function prepareName(recorded: string): string {
  return shownName(recorded, NAME_CODE_POINTS_MAX) || NO_AUTHOR;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** At most so many code points, by whole characters. */
export function cutAt(text: string, codePointsMax: number): string {
  if (text.length <= codePointsMax || [...text].length <= codePointsMax) return text;
  let kept = "";
  let count = 0;
  for (const { segment } of graphemes.segment(text)) {
    count += [...segment].length;
    if (count > codePointsMax) break;
    kept += segment;
  }
  return kept.trimEnd();
}
