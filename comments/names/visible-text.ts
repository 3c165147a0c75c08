/**
 * The visible part of a text. Characters without a glyph (Unicode's `Default_Ignorable_Code_Point`)
 * stay where a script or an emoji needs them, by the rules below, and alone are no name or comment.
 */

/** Scripts whose letters join: [spec] UAX #31, A1. */
const JOINING =
  "\\p{Script=Arab}\\p{Script=Syrc}\\p{Script=Mong}\\p{Script=Nkoo}\\p{Script=Mand}" +
  "\\p{Script=Mani}\\p{Script=Phag}\\p{Script=Rohg}\\p{Script=Adlm}\\p{Script=Sogd}";
/** Viramas (Canonical_Combining_Class 9), which join consonants of Indic scripts. */
const VIRAMA =
  "\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca" +
  "\\u0e3a\\u0f84\\u1039\\u103a\\u1714\\u1734\\u17d2\\u1a60\\u1b44\\u1baa\\u1bab\\u1bf2" +
  "\\u1bf3\\u2d7f\\ua806\\ua8c4\\ua953\\ua9c0\\uaaf6\\uabed\\u{10a3f}\\u{11046}\\u{1107f}" +
  "\\u{110b9}\\u{11133}\\u{11134}\\u{111c0}\\u{11235}\\u{112ea}\\u{1134d}\\u{11442}" +
  "\\u{114c2}\\u{115bf}\\u{1163f}\\u{116b6}\\u{1172b}\\u{11839}";
const PICTURE = "\\p{Extended_Pictographic}";
/** Where a character that shows nothing is part of what is seen. */
const NEEDED = [
  // [spec] UAX #31, A1: a non-joiner between two letters that would join (Persian).
  `(?<=[${JOINING}]\\p{M}*)\\u200c(?=\\p{M}*[${JOINING}])`,
  // [spec] UAX #31, A2 and B: after a virama; before one too (Bengali ra).
  `(?<=\\p{L}\\p{M}*[${VIRAMA}]\\p{M}*)\\u200c(?=\\p{L})`,
  `(?<=\\p{L}\\p{M}*[${VIRAMA}]\\p{M}*)\\u200d`,
  `(?<=\\p{L})\\u200d(?=[${VIRAMA}]\\p{L})`,
  // [spec] UTS #51: emoji that are joined, shown in colour, keycaps, flags of regions.
  `(?<=[${PICTURE}\\u{1f3fb}-\\u{1f3ff}]\\ufe0f?)\\u200d(?=${PICTURE})`,
  `(?<=${PICTURE})[\\ufe0e\\ufe0f]`,
  "(?<=[0-9#*])\\ufe0f(?=\\u20e3)",
  "(?<=\\u{1f3f4})[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{1,6}\\u{e007f}",
  // Variants of ideographs, as names of people and places in Japan have, and of Mongolian letters.
  "(?<=\\p{Script=Han})[\\u{e0100}-\\u{e01ef}\\ufe00-\\ufe02]",
  "(?<=\\p{Script=Mong})[\\u180b-\\u180f]",
].join("|");
const IGNORABLE = new RegExp(`(${NEEDED})|\\p{Default_Ignorable_Code_Point}`, "gu");

/** Invisible: separators, format and unassigned characters, lone marks, blank braille. */
const NOTHING = /^[\p{Z}\p{Cf}\p{Cn}\p{M}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
const ASCII = /^[\x20-\x7e]*$/;

/** Whether a reader sees nothing of the text. */
export function isBlank(text: string): boolean {
  return text === "" || NOTHING.test(text);
}

/** The text without characters that show nothing, but for those that a script or an emoji needs. */
export function withoutInvisible(text: string, onRemoved?: (character: string) => void): string {
  if (ASCII.test(text)) return text;
  return text.replace(IGNORABLE, (match: string, needed: string | undefined) => {
    if (needed !== undefined) return match;
    onRemoved?.(match);
    return "";
  });
}

/** Accents of Latin, Greek and Cyrillic in a row, and marks of any script; more cover lines. */
const ACCENTS = /([\p{Script=Inherited}&&\p{M}]{3})[\p{Script=Inherited}&&\p{M}]+/gv;
const MARKS = /(\p{M}{8})\p{M}+/gu;

/** The text with as many marks on a letter as languages have. */
export function withoutTowers(text: string): string {
  if (ASCII.test(text)) return text;
  return text.replace(ACCENTS, "$1").replace(MARKS, "$1");
}
