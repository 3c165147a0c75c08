/**
 * A cache of parsed heads. A publisher that keeps its connection sends the same head again and
 * again, with one of a few hundred lengths; parsing it is a fifth of the cost of a small request.
 * Equal bytes have the same meaning, and a head is never changed, so several requests may share it.
 *
 * Bounded: the oldest is evicted first. A refused head is not kept.
 */

import { parseRequestHead, type RequestHead } from "./request-head.ts";

export const HEADS_MAX = 512;
/** Longer ones are cookies, which differ. */
export const HEAD_CHARACTERS_MAX = 1024;

const heads = new Map<string, RequestHead>();

/** As {@link parseRequestHead}. */
export function readRequestHead(text: string): RequestHead {
  const known = heads.get(text);
  if (known !== undefined) return known;
  const head = parseRequestHead(text);
  if (text.length > HEAD_CHARACTERS_MAX) return head;
  if (heads.size >= HEADS_MAX) {
    for (const oldest of heads.keys()) {
      heads.delete(oldest);
      break;
    }
  }
  heads.set(text, head);
  return head;
}
