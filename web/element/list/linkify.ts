/** Finds links in text: only `http` and `https`. Everything else in a comment stays text. */

export interface Segment {
  readonly text: string;
  /** Present where the segment is a link. */
  readonly href?: string;
}

const LINK = /https?:\/\/[^\s<>"'`\\^{|}]+/giu;
/** Punctuation at the end of a link belongs to the sentence. */
const TAIL = /[.,:;!?…。、，)\]]+$/u;

/** The text in segments whose texts, joined, are the text. */
export function linkify(text: string): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    let shown = match[0];
    const tail = TAIL.exec(shown)?.[0] ?? "";
    // A closing bracket stays where its opening one is inside: …/Live_(band)
    const keep = tail.startsWith(")") && shown.includes("(") ? 1 : 0;
    shown = shown.slice(0, shown.length - tail.length + keep);
    const href = parseLink(shown);
    if (href === undefined) continue;
    if (match.index > from) segments.push({ text: text.slice(from, match.index) });
    segments.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) segments.push({ text: text.slice(from) });
  return segments;
}

function parseLink(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // `https://bank.example@evil.example` shows one host and opens another.
  return url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === "" &&
    url.password === ""
    ? url.href
    : undefined;
}
