/** Comments from the log, without removed ones. */

import type { Log } from "@ovation/log";
import { Problem, type Topic } from "@ovation/protocol";
import { type Comment, commentOf } from "../comment.ts";
import { HISTORY_EVENTS_MAX, HISTORY_READ_EVENTS } from "../limits.ts";

export interface HistoryQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
}

export interface HistoryPage {
  /** Ascending by `seq`. */
  readonly comments: readonly Comment[];
  /** The newest number of the topic, whatever its type. */
  readonly head: number;
  /**
   * Where the read stopped before the page was full and before the log ended: the next request's
   * `after` (or `before`). Absent on a page that is full, and on the last one.
   */
  readonly next?: number;
}

const COMMENT = ["comment"];

/**
 * A page with `limit` comments where the log has as many: removed ones do not shorten it. It reads
 * at most HISTORY_EVENTS_MAX comments and then has `next`. `onRemoved` gets the removed ones.
 */
export async function readHistory(
  log: Pick<Log, "read">,
  topic: Topic,
  query: HistoryQuery,
  onRemoved?: (comment: Comment) => void,
): Promise<HistoryPage> {
  const forward = query.after !== undefined;
  let { after, before } = query;
  let comments: Comment[] = [];
  let head = 0;
  // The first read is the page itself: with nothing removed it is the only one.
  let limit = query.limit;
  for (let examined = 0; ; limit = HISTORY_READ_EVENTS) {
    const page = await log.read(topic, {
      ...(forward ? { after: after ?? 0 } : before === undefined ? {} : { before }),
      limit,
      types: COMMENT,
    });
    if (examined === 0) head = page.head.seq;
    examined += page.events.length;
    const shown: Comment[] = [];
    for (const event of page.events) {
      const comment = commentOf(event);
      if (comment?.removed === true) onRemoved?.(comment);
      else if (comment !== undefined) shown.push(comment);
    }
    comments = forward
      ? [...comments, ...shown].slice(0, query.limit)
      : [...shown, ...comments].slice(-query.limit);
    if (page.events.length < limit || comments.length >= query.limit) return { comments, head };
    after = page.events.at(-1)?.place.seq;
    before = page.events[0]?.place.seq;
    const next = forward ? after : before;
    if (examined >= HISTORY_EVENTS_MAX && next !== undefined) return { comments, head, next };
  }
}

/** Throws `unknown-comment`; also for a removed comment, unless `with-removed`. */
export async function findComment(
  log: Pick<Log, "read">,
  topic: Topic,
  seq: number,
  removed?: "with-removed",
): Promise<Comment> {
  const { events } = await log.read(topic, { after: seq - 1, limit: 1, types: COMMENT });
  const event = events[0];
  const comment = event === undefined || event.place.seq !== seq ? undefined : commentOf(event);
  if (comment === undefined || (comment.removed === true && removed === undefined))
    throw new Problem("unknown-comment");
  return comment;
}

/** The number of the pinned comment, by the newest `pin` event of the topic. */
export async function pinnedSeqOf(log: Pick<Log, "read">, topic: Topic): Promise<number | null> {
  const { events } = await log.read(topic, { limit: 1, types: ["pin"] });
  const data: unknown = events[0] === undefined ? null : JSON.parse(events[0].data);
  if (typeof data !== "object" || data === null) return null;
  const { seq } = data as { seq?: unknown };
  return typeof seq === "number" ? seq : null;
}
