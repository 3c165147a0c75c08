/**
 * The records of videos beside their events: title, media and counts. The events are in the log, as
 * is what must agree with them (the pinned comment, the head).
 *
 * The specification, held by `video-store.contract.ts` for every form:
 *
 * - `put`, `addLikes` and `count` create a missing video: its first use creates it. Only `put` and
 *   `markListed` list it; `addLikes` and `count` do not change a deleted one.
 * - `addLikes` and `count` are exact however many processes call them. One call is one transaction.
 * - The same `addLikes` again, with the same flush id, adds nothing: an answer may be lost.
 * - `read` and `list` see everything whose write has resolved.
 * - A crash of the process loses nothing that resolved. A crash of the machine may lose the last
 *   moments of `addLikes`: these are counts, and only comments pay for fsync.
 * - Rejects with `DatabaseUnavailableError` when the database cannot be reached or has no room;
 *   nothing was stored then. `list` leaves damaged videos out; `read` rejects for them, by
 *   `DatabaseDamagedError`.
 */

export interface MediaSource {
  readonly src: string;
  readonly type: string;
}

export interface StoredVideo {
  readonly id: string;
  /** Empty by default. */
  readonly title: string;
  readonly description: string;
  readonly live: boolean;
  /** Whether comments are closed. */
  readonly closed: boolean;
  readonly media: readonly MediaSource[];
  readonly poster: string;
  /** ms since 1970. */
  readonly createdAt: number;
  /** Whether a host or a publisher created or used it: viewers alone do not list a video. */
  readonly listed: boolean;
  /** ms since 1970; `null` where it is not deleted. A deleted video keeps only this. */
  readonly deletedAt: number | null;
  /** The last change or count, ms since 1970. */
  readonly activeAt: number;
  /** Comments that are not removed, among the events up to `counted`. */
  readonly comments: number;
  /** The number of the last event that was counted. */
  readonly counted: number;
  readonly likes: Readonly<Record<string, number>>;
}

export type VideoChanges = Partial<
  Pick<StoredVideo, "title" | "description" | "live" | "closed" | "media" | "poster">
>;

/**
 * Names one flush of likes, so that a flush whose answer was lost may be sent again: the store
 * carries out one number of a writer once, and larger numbers only.
 */
export interface FlushId {
  /** One incarnation of a process. */
  readonly writer: string;
  /** From 1, rising. */
  readonly number: number;
}

export interface LikesChange {
  readonly id: string;
  readonly likes: Readonly<Record<string, number>>;
}

/** The events after one number up to another, counted. */
export interface CountedEvents {
  readonly after: number;
  readonly upTo: number;
  /** Comments less removals. */
  readonly comments: number;
  /** They are all there ever were, instead of what counted before. */
  readonly isTotal?: boolean;
}

/** A place in the order of the list. */
export type ListPlace = Pick<StoredVideo, "live" | "activeAt" | "id">;

/** What ends: unlisted videos that were last used before these times, ms since 1970, and more. */
export interface UnlistedEnds {
  /** Those with comments. */
  readonly commented: number;
  /** Those without. */
  readonly liked: number;
  /** Deleted ones, by when they were; they are as never used then. */
  readonly deleted?: number;
  /** Processes that stored likes last. */
  readonly writers?: number;
}

export interface VideoStore {
  /**
   * In the order of the ids; `undefined` for those that are not there. `without likes`: they are
   * empty, and may be damaged.
   */
  read(
    ids: readonly string[],
    part?: "without likes",
  ): Promise<readonly (StoredVideo | undefined)[]>;
  /** Listed ones after `from`: live ones first, then by activity, the newest first. */
  list(limit: number, from?: ListPlace): Promise<readonly StoredVideo[]>;
  /** Makes or changes the video, as a listed one; a deleted one begins again, empty. */
  put(id: string, changes: VideoChanges, now: number): Promise<StoredVideo>;
  /** The same without a change; leaves a deleted one deleted. */
  markListed(id: string, now: number): Promise<void>;
  /** Only the id and the time stay, so that the deleted video is told from one that never was. */
  delete(id: string, now: number): Promise<void>;
  /** Drops unlisted videos that end; answers their ids, at most `limit`. */
  expire(ends: UnlistedEnds, limit: number): Promise<readonly string[]>;
  /**
   * Adds likes, unless this flush was stored before; returns all totals of each video. The id is
   * stored in the same transaction. `undefined`: the rows are damaged, and nothing was added.
   */
  addLikes(
    changes: readonly LikesChange[],
    now: number,
    flush: FlushId,
  ): Promise<readonly (Readonly<Record<string, number>> | undefined)[]>;
  /** Adds or sets comments where `after` was the last event counted; returns whether it was. */
  count(id: string, events: CountedEvents, now: number): Promise<boolean>;
  close(): Promise<void>;
}

/** A video before its first use. */
export function unusedVideo(id: string, now: number): StoredVideo {
  return {
    id,
    title: "",
    description: "",
    live: true,
    closed: false,
    media: [],
    poster: "",
    createdAt: now,
    activeAt: now,
    listed: false,
    deletedAt: null,
    comments: 0,
    counted: 0,
    likes: {},
  };
}
