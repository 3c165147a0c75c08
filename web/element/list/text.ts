/** What is done to text before it is shown or sent. */

/** Bidirectional embeddings, overrides, isolates and marks: they could reorder the page's text. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** More than four combining marks in a row: text that climbs over its neighbours. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** The text as it may be shown: never with control over what stands around it. */
export function cleanText(text: string): string {
  return text.replace(BIDI_CONTROLS, "").replace(PILED_MARKS, "$1");
}

/** Length as the server counts: code points, so that an emoji is not two. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Created once: each has tables outside of the script's heap, and every row needs one. */
let segmenter: Intl.Segmenter | undefined;

/** The first letter or emoji as people see it, for an avatar. */
export function initialOf(name: string): string {
  const shown = cleanText(name).trim();
  const first = firstGrapheme(shown) ?? [...shown][0];
  return first === undefined ? "?" : first.toLocaleUpperCase();
}

function firstGrapheme(text: string): string | undefined {
  try {
    segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
    for (const { segment } of segmenter.segment(text)) return segment;
  } catch {
    // An older browser: code points do for most names.
  }
  return undefined;
}

/** Whether the text speaks to `name`: `@name`, not as the beginning of a longer one. */
export function mentions(text: string, name: string | undefined): boolean {
  if (name === undefined || name === "") return false;
  const at = text.toLocaleLowerCase().indexOf(`@${name.toLocaleLowerCase()}`);
  if (at < 0) return false;
  return !/^[\p{L}\p{N}_]/u.test(text.slice(at + name.length + 1));
}
