/**
 * Every limit of the protocol, with its name. A limit is here when both ends, or two folders, must
 * agree on it; what only one folder needs is in that folder's own `limits.ts`.
 */

export const TOPIC_KIND_CHARACTERS_MAX = 32;
export const TOPIC_ID_CHARACTERS_MAX = 128;

/** An event type: `comment`, `goal`. */
export const EVENT_TYPE_CHARACTERS_MAX = 64;

/** Topics in one connect or one subscription change, and on one connection. */
export const TOPICS_PER_CONNECTION_MAX = 100;

/** The text of a comment, in code points (not UTF-16 units: an emoji counts once). */
export const COMMENT_CODE_POINTS_MAX = 200;

/** The name of a guest or member, in code points. */
export const NAME_CODE_POINTS_MAX = 40;

/** The body of a request that a viewer sends. */
export const VIEWER_BODY_BYTES_MAX = 4 * 1024;

/** The body of a request that a publisher (a server) sends. */
export const PUBLISHER_BODY_BYTES_MAX = 1024 * 1024;

/** Events in one publish request. */
export const PUBLISH_EVENTS_MAX = 10_000;

/**
 * One frame, from `id:` to the empty line after it: readers with a buffer of 64 KiB for a line or
 * an event (Go's `bufio.Scanner`) stop for good at a larger one.
 */
export const FRAME_BYTES_MAX = 64 * 1024;

/**
 * The `data` of one event, as JSON text in UTF-8: what remains of a frame beside the longest id,
 * type and topic.
 */
export const EVENT_DATA_BYTES_MAX = 62_000;

/** Nesting of objects and lists: readers of other languages stop at 64 (.NET) to 1,000 (Python). */
export const JSON_DEPTH_MAX = 64;

/** An idempotency key: `id` of a publish, `clientId` of a comment. */
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 128;

/** A token; longer ones are rejected before verification. */
export const TOKEN_CHARACTERS_MAX = 8 * 1024;

/** A position text (`Last-Event-ID`, `last_event_id`). */
export const POSITION_CHARACTERS_MAX = 8 * 1024;

/** Comments in one page of history. */
export const HISTORY_PAGE_MAX = 500;
export const HISTORY_PAGE_DEFAULT = 50;

/** Likes in one request: about what one thumb can do in a second. */
export const LIKES_PER_REQUEST_MAX = 20;

/**
 * The interval of comment lines on a silent connection, so that both ends know that it is alive.
 */
export const HEARTBEAT_MS = 15_000;

/** Addresses whose rate one process keeps for a window; over it, the oldest is evicted. */
export const RATE_ADDRESSES_MAX = 100_000;

/**
 * Topics whose losses a buffer keeps, to announce them; losses of further topics are only counted.
 */
export const PENDING_LOSS_TOPICS_MAX = 10_000;
