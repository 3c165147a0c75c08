/**
 * What is known of videos beside their events: title, media, and counts. The events themselves are in
 * the log, and so is what must agree with them (the pinned comment, the head).
 *
 * The specification, held by `video-store.contract.ts` for every form:
 *
 * - `put`, `addLikes` and `count` create a video that is not there yet, so that a video exists by being used.
 *   Only `put` and `markListed` make it a listed one; `addLikes` and `count` leave a deleted one alone.
 * - `addLikes` and `count` are exact however many processes call them. One call is one transaction.
 * - The same `addLikes` again, with the same flush id, adds nothing: an answer may be lost.
 * - `read` and `list` see everything whose write has resolved.
 * - After a crash of the process nothing is lost that resolved; after a crash of the machine the last
 *   moments of `addLikes` may be: these are counts, and fsync is kept for comments.
 * - Rejects with `StoreUnavailableError` when the database cannot be reached or has no room;
 *   nothing was stored then. `list` leaves damaged videos out; `read` rejects for them, by
 *   `StoreDamagedError`.
 */

export interface MediaSource {
  readonly src: string;
  readonly type: string;
}

export interface StoredVideo {
  readonly id: string;
  /** Empty where nobody gave one. */
  readonly title: string;
  readonly description: string;
  readonly live: boolean;
  /** Whether comments are closed. */
  readonly closed: boolean;
  readonly media: readonly MediaSource[];
  readonly poster: string;
  /** ms since 1970. */
  readonly createdAt: number;
  /** Whether a host or a publisher made it or used it: viewers alone do not put a video on a list. */
  readonly listed: boolean;
  /** When it was deleted, ms since 1970; `null` where it was not. Nothing but this is kept of it then. */
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
  /** One life of one process. */
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
  /** Listed ones: those that are live first, then by activity, the newest first; those after `from`. */
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
   * Adds likes, unless this flush was carried out before; answers all totals of each video. The id
   * is stored in the same transaction. `undefined`: the video's rows are damaged, nothing was added.
   */
  addLikes(
    changes: readonly LikesChange[],
    now: number,
    flush: FlushId,
  ): Promise<readonly (Readonly<Record<string, number>> | undefined)[]>;
  /** Adds or sets comments, unless another event than `after` was the last one counted; answers whether it did. */
  count(id: string, events: CountedEvents, now: number): Promise<boolean>;
  close(): Promise<void>;
}

/** What a video is before anybody has used it. */
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
