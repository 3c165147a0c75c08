/** Whom a comment mentions: authors of the comments before it whose id or name follows an `@`. */

import type { Log } from "@ovation/log";
import type { Topic } from "@ovation/protocol";
import type { Comment } from "../../comment.ts";
import { readHistory } from "../../history/history.ts";
import { MENTIONED_AMONG, MENTIONS_MAX, POSSIBLE_MENTIONS_MAX } from "../../limits.ts";

type LogReads = Pick<Log, "read">;

/** At most MENTIONS_MAX ids. Where several names fit, the longest counts. */
export async function findMentioned(
  log: LogReads,
  topic: Topic,
  { seq, text }: Comment,
): Promise<readonly string[]> {
  if (!text.includes("@")) return [];
  const { comments } = await readHistory(log, topic, { before: seq, limit: MENTIONED_AMONG });
  const authors = new Map<string, string>();
  for (const { author } of comments)
    for (const name of [author.id, author.name]) authors.set(name.toLowerCase(), author.id);
  const names = [...authors.keys()].sort((a, b) => b.length - a.length);
  const found = new Set<string>();
  for (const after of textsAfterAt(text)) {
    if (found.size >= MENTIONS_MAX) break;
    const name = names.find((each) => isNamedBy(after, each));
    const id = name === undefined ? undefined : authors.get(name);
    if (id !== undefined) found.add(id);
  }
  return [...found];
}

/**
 * Every id that {@link findMentioned} may have found when the comment was posted, at most
 * POSSIBLE_MENTIONS_MAX: authors of comments removed since then, and every name that fits.
 */
export async function findPossiblyMentioned(
  log: LogReads,
  topic: Topic,
  { seq, text }: Comment,
): Promise<readonly string[]> {
  if (!text.includes("@")) return [];
  const removed: Comment[] = [];
  const { comments } = await readHistory(
    log,
    topic,
    { before: seq, limit: MENTIONED_AMONG },
    (comment) => removed.push(comment),
  );
  const afters = textsAfterAt(text);
  const ids = new Map<string, string>();
  for (const { author } of [...removed, ...comments])
    for (const name of [author.id, author.name])
      ids.set(`${author.id} ${name.toLowerCase()}`, author.id);
  const found = new Set<string>();
  for (const [key, id] of ids) {
    if (found.size >= POSSIBLE_MENTIONS_MAX) break;
    const name = key.slice(id.length + 1);
    if (afters.some((after) => isNamedBy(after, name))) found.add(id);
  }
  return [...found];
}

/** The rest of the text after each `@`, in lower case. A name may contain an `@` itself. */
function textsAfterAt(text: string): readonly string[] {
  const lower = text.toLowerCase();
  const rests: string[] = [];
  for (let at = lower.indexOf("@"); at >= 0; at = lower.indexOf("@", at + 1))
    rests.push(lower.slice(at + 1));
  return rests;
}

function isNamedBy(after: string, name: string): boolean {
  return after.startsWith(name) && !/^[\p{L}\p{N}_]/u.test(after.slice(name.length));
}
