/** What the routes of the comments service share. Made in `comments.ts`. */

import type { DurableWriter, Log, LogKeeper, Outbox } from "@ovation/log";
import type { Authenticate, Clock, LoadingCache, Policy, Topic } from "@ovation/protocol";
import type { Background } from "./background.ts";
import type { CommentCounts } from "./history/comment-counts.ts";
import type { LikeCounter } from "./likes/like-counter.ts";
import type { RateRules } from "./limits.ts";
import type { HashAddress } from "./members/guest-addresses.ts";
import type { MemberDirectory } from "./members/member-directory.ts";
import type { MemberStores } from "./members/member-stores.ts";
import type { Metrics } from "./metrics.ts";
import type { NameGuard } from "./names/name-guard.ts";
import type { RateLimiter } from "./rates/rate-limiter.ts";
import type { VideoDirectory } from "./videos/video-directory.ts";
import type { VideoStore } from "./videos/video-store.ts";

/** A log in which the events of a deleted video can be dropped. */
export type VideoLog = Log & Pick<LogKeeper, "clear">;

export interface Service {
  /** To read. Events are written by `writer` only, so that each is published. */
  readonly log: Omit<VideoLog, "append" | "close">;
  readonly store: VideoStore;
  readonly directory: VideoDirectory;
  /** Videos that an address creates, by `address video`: rejects past the share of the address. */
  readonly newVideos: LoadingCache<void>;
  readonly likes: LikeCounter;
  readonly commentCounts: CommentCounts;
  readonly outbox: Outbox;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** For durations: it does not jump when the wall clock is set. */
  readonly steady: Clock;
  readonly policy: Policy;
  readonly authenticate: Authenticate;
  readonly limiter: RateLimiter;
  readonly rules: RateRules;
  readonly guestsOn: boolean;
  readonly hashAddress: HashAddress;
  /** The length of a comment, in code points. */
  readonly textCodePointsMax: number;
  /** Names that guests may not take. */
  readonly names: NameGuard;
  /** Absent where the installation stores nothing of members: comments and likes only. */
  readonly people: People | undefined;
  readonly writer: DurableWriter;
  /** Notifications that follow a response. */
  readonly background: Background;
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
}

/**
 * Who may write first to whom, beyond hosts and moderators, who may write to all members and be
 * written to by them. `staff`: no other; `members`: members to members; `anyone`: guests too.
 */
export type MessageRule = "staff" | "members" | "anyone";

/** Stores and rules of members. */
export interface People {
  readonly stores: MemberStores;
  readonly directory: MemberDirectory;
  readonly messages: MessageRule;
  /** Members whom the configuration names as staff. */
  readonly staff: ReadonlySet<string>;
}

/** A video by its id, with its topic. */
export interface NamedVideo {
  readonly id: string;
  readonly topic: Topic;
}
