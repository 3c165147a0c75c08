/** Comments as readers of the history get them: from the log, removed ones left out. */

import type { Log } from "@ovation/log";
import { Problem, type Topic } from "@ovation/protocol";
import { type Comment, commentOf } from "./comment.ts";
import { HISTORY_READS_MAX } from "./limits.ts";

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
}

const COMMENT = ["comment"];

/** A page with `limit` comments where there are as many: removed ones do not shorten it. */
export async function readHistory(
  log: Log,
  topic: Topic,
  query: HistoryQuery,
): Promise<HistoryPage> {
  const forward = query.after !== undefined;
  let { after, before } = query;
  let comments: Comment[] = [];
  let head = 0;
  for (let reads = 0; reads < HISTORY_READS_MAX; reads++) {
    const limit = query.limit - comments.length;
    const page = await log.read(topic, {
      ...(forward ? { after: after ?? 0 } : before === undefined ? {} : { before }),
      limit,
      types: COMMENT,
    });
    if (reads === 0) head = page.head.seq;
    const shown = page.events
      .map(commentOf)
      .filter((comment) => comment !== undefined && comment.removed !== true) as Comment[];
    comments = forward ? [...comments, ...shown] : [...shown, ...comments];
    if (page.events.length < limit || comments.length >= query.limit) break;
    after = page.events.at(-1)?.place.seq;
    before = page.events[0]?.place.seq;
  }
  return { comments, head };
}

/** One comment; throws `unknown-comment` where there is none, or where it is removed and that does not count. */
export async function findComment(
  log: Log,
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

/** The number of the pinned comment: what the newest `pin` event of the topic says. */
export async function pinnedSeqOf(log: Log, topic: Topic): Promise<number | null> {
  const { events } = await log.read(topic, { limit: 1, types: ["pin"] });
  const data: unknown = events[0] === undefined ? null : JSON.parse(events[0].data);
  if (typeof data !== "object" || data === null) return null;
  const { seq } = data as { seq?: unknown };
  return typeof seq === "number" ? seq : null;
}
