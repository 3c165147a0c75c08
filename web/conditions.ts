/**
 * What a request asks of the form of an answer: the coding, and whether the client has it already.
 */

import type { HttpRequest } from "@ovation/protocol";

/** The best first: of those that the client likes equally, the first one is taken. */
const CODINGS = ["br", "gzip", "identity"] as const;
export type Coding = (typeof CODINGS)[number];

/** [spec] RFC 9110, 12.4.2 and 12.5.3: a coding or `*`, and how much it is liked. */
const PREFERENCE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;
/** Not named, `identity` is accepted, and liked less than whatever is named. */
const IDENTITY_UNNAMED = 0.0001;

/**
 * [spec] RFC 9110, 12.5.3. Undefined where the client accepts none of them: it has refused
 * `identity`. A client that says nothing gets `identity`, which is the one that it certainly reads.
 */
export function chooseCoding(request: HttpRequest): Coding | undefined {
  const accepted = request.headers.get("accept-encoding");
  if (accepted === null) return "identity";
  const likings = parsePreferences(accepted);
  let best: Coding | undefined;
  let bestLiking = 0;
  for (const coding of CODINGS) {
    const unnamed = coding === "identity" ? IDENTITY_UNNAMED : 0;
    const liking = likings.get(coding) ?? likings.get("*") ?? unnamed;
    if (liking <= bestLiking) continue;
    best = coding;
    bestLiking = liking;
  }
  return best;
}

/** What is malformed is passed over. */
function parsePreferences(accepted: string): ReadonlyMap<string, number> {
  const likings = new Map<string, number>();
  for (const part of accepted.split(",")) {
    const [, name, liking = "1"] = PREFERENCE.exec(part.trim()) ?? [];
    if (name === undefined) continue;
    // [spec] RFC 9110, 8.4.1.3: the old name of the same.
    const coding = name.toLowerCase() === "x-gzip" ? "gzip" : name.toLowerCase();
    if (!likings.has(coding)) likings.set(coding, Number(liking));
  }
  return likings;
}

/** An entity tag, with `W/` where it is weak: [spec] RFC 9110, 8.8.3. */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * Whether the client has that version: [spec] RFC 9110, 13.1.2, by the weak comparison. `tag` is
 * without `W/`.
 * A header that is no list of tags has none of them.
 */
export function hasVersion(request: HttpRequest, tag: string): boolean {
  const header = request.headers.get("if-none-match")?.trim();
  if (header === undefined) return false;
  if (header === "*") return true;
  return (header.match(ENTITY_TAG) ?? []).some((each) => each.replace(/^W\//, "") === tag);
}
