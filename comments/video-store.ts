/**
 * What is known of videos beside their events: title, media, and counts. The events themselves are in
 * the log, and so is what must agree with them (the pinned comment, the head).
 *
 * The specification, held by `video-store.contract.ts` for every form:
 *
 * - `put` and `add` create a video that is not there yet, so that a video exists by being used.
 * - `add` is exact however many processes add: every call adds to what is stored, once. One call is
 *   one transaction. It answers the totals after it, in the order of the changes.
 * - `read` and `list` see everything whose `put` or `add` has resolved.
 * - After a crash of the process nothing is lost that resolved; after a crash of the machine the last
 *   moments of `add` may be: these are counts, and fsync is kept for comments.
 * - Rejects with `StoreUnavailableError` when the database cannot be reached or has no room;
 *   nothing was stored then.
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
  /** The last change or count, ms since 1970. */
  readonly activeAt: number;
  /** Comments that are not removed. */
  readonly comments: number;
  readonly likes: Readonly<Record<string, number>>;
}

export type VideoChanges = Partial<Pick<StoredVideo, "title" | "description" | "live" | "closed" | "media" | "poster">>;

export interface CountChange {
  readonly id: string;
  /** Added; negative for removals. */
  readonly comments: number;
  readonly likes: Readonly<Record<string, number>>;
}

export interface VideoStore {
  /** In the order of the ids; `undefined` for those that are not there. */
  read(ids: readonly string[]): Promise<readonly (StoredVideo | undefined)[]>;
  /** Live ones first, then by activity, the newest first. */
  list(limit: number): Promise<readonly StoredVideo[]>;
  put(id: string, changes: VideoChanges, now: number): Promise<StoredVideo>;
  /** Adds counts; answers all like totals of each video. */
  add(changes: readonly CountChange[], now: number): Promise<readonly Readonly<Record<string, number>>[]>;
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
    comments: 0,
    likes: {},
  };
}
