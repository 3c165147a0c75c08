/**
 * Every limit of the SDK, with what happens at it. Limits that both ends share are in the
 * protocol's.
 */

/** First and longest bound of the backoff between two attempts, ms; full jitter. */
export const RETRY_MS = { first: 500, longest: 20_000 };

/** A wait that the server asks for (`reconnect`, `retry:`, `Retry-After`) is cut to this, ms. */
export const RETRY_ASKED_MS_MAX = 300_000;

/** The backoff after a full server starts as if this many attempts had failed. */
export const FULL_ATTEMPT = 4;

/** Without the first event in this time the attempt has failed, ms. */
export const CONNECT_TIMEOUT_MS = 15_000;

/**
 * A stream without its first event in this time may be buffered by a proxy: a poll is tried, ms.
 */
export const FIRST_EVENT_MS = 6_000;

/** After this many consecutive streams that broke without an event, the next attempt is a poll. */
export const SILENT_STREAMS_MAX = 2;

/** A polling client retries a stream after this long, doubled each time it fails, ms. */
export const POLL_MS = { first: 60_000, longest: 1_800_000 };

/** A connection that lasted this long resets the backoff, ms. */
export const STABLE_MS = 10_000;

/** A connection is dead after this many silent heartbeats. */
export const HEARTBEATS_MISSED_MAX = 2.5;

/**
 * How long a missing durable event may take to arrive (the server repairs most), ms. Spread by up
 * to a quarter.
 */
export const HOLE_WAIT_MS = 2_000;

/**
 * How long a server may take to the next event of a promised replay, ms: thousands may be
 * returning.
 */
export const REPLAY_WAIT_MS = 10_000;

/** Durable events held behind a missing one; later ones are pulled again instead. */
export const HELD_EVENTS_MAX = 1_000;

/** Pulls without a new event: then the missing events are given up, and reported (`onReset`). */
export const PULLS_MAX = 3;

/** Log epochs kept per topic. */
export const EPOCHS_MAX = 8;

/**
 * Pages that one `history` call follows where removed comments leave a page short; then it returns
 * `next`.
 */
export const HISTORY_FOLLOWS_MAX = 100;

/**
 * After this long a connected page fetches the transports that it may need later, ms: after an
 * upgrade the server has only those of the next build.
 */
export const LOAD_AHEAD_MS = 5_000;

/** Retries of a request, after 100, 200, 400 ms. */
export const REQUEST_RETRIES_MAX = 3;
export const REQUEST_RETRY_MS = { first: 100, longest: 400 };

/** A longer `Retry-After` is reported to the caller instead of waited for, ms. */
export const RETRY_AFTER_MS_MAX = 30_000;

/** A request without a response is aborted, ms. */
export const REQUEST_TIMEOUT_MS = 15_000;

/** The typing signal is sent at most this often, ms: half of how long a server keeps it. */
export const TYPING_INTERVAL_MS = 3_000;

/** Likes leave at most this often per video, ms. */
export const LIKES_INTERVAL_MS = 1_000;

/** Pending taps per video and kind; over it a tap is not counted. */
export const LIKES_WAITING_MAX = 200;
