/** Events as callbacks get them, and the data of each type of a video. */

import type { Json } from "@ovation/protocol";

/** An event as callbacks get it. */
export interface ClientEvent<Data = Json> {
  readonly topic: string;
  readonly type: string;
  /** Only on durable events: contiguous from 1 within the topic. */
  readonly seq?: number;
  /** The publisher's wall clock, ms since 1970. */
  readonly at: number;
  readonly data: Data;
}

export interface Author {
  readonly id: string;
  readonly name: string;
  readonly avatar?: string;
  readonly role: "host" | "moderator" | "member" | "guest";
}
/** `data` of a `comment` event. */
export interface CommentData {
  readonly text: string;
  readonly author: Author;
  /** The poster's client's id for it: how it recognises its own echo. */
  readonly clientId?: string;
  /** The `seq` of the comment that this one answers. */
  readonly replyTo?: number;
  /** True where a moderator removed the text. */
  readonly removed?: boolean;
}
/** `data` of `comment-removed`: `seq` is the comment's own. */
export interface CommentRemovedData {
  readonly seq: number;
  readonly reason?: string;
}
/** `data` of `likes`: `like` (and other kinds) are the new ones, `total` all so far. */
export interface LikesData {
  readonly total: Readonly<Record<string, number>>;
  readonly [kind: string]: number | Readonly<Record<string, number>>;
}
export interface StatsData {
  readonly viewers: number;
  /** The newest durable number of the topic. */
  readonly head: number;
}
export interface GapData {
  /** How many live events were dropped for this viewer. */
  readonly lost: number;
  /** Wall clock of the first and the last of them, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /**
   * `slow`: this client did not keep up. `busy`: more events came than the servers could deliver.
   * `away`: they waited too long for an unreachable process. `large`: an event of an earlier
   * version exceeds a frame; it has `seq` where it was durable. `reconnected`: the client was
   * disconnected.
   */
  readonly reason: "slow" | "busy" | "away" | "large" | "reconnected";
}
/**
 * The argument of `onReset`, when durable events could not be recovered: read the snapshot again.
 */
export interface ResetInfo {
  readonly topic: string;
  /** Continue from here: the next durable event is `head + 1`. */
  readonly head: number;
}
