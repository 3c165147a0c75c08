/** Every limit of the SDK, with what happens there. What both ends share is in the protocol's. */

/** First and longest bound of the wait between two attempts, ms; the wait is drawn below it. */
export const RETRY_MS = { first: 500, longest: 20_000 };

/** A server's wish (`reconnect`, `retry:`, `Retry-After`) is followed up to here, ms. */
export const RETRY_ASKED_MS_MAX = 300_000;

/** A server that is full is first left alone as if this many attempts had failed. */
export const FULL_ATTEMPT = 4;

/** Without the first event in this time the attempt counts as lost, ms. */
export const CONNECT_TIMEOUT_MS = 15_000;

/** A stream without its first event in this time may be held back on the way: a poll is tried, ms. */
export const FIRST_EVENT_MS = 6_000;

/** After this many streams in a row that broke without an event, the next attempt is a poll. */
export const SILENT_STREAMS_MAX = 2;

/** A client that polls tries a stream again after this long, doubled each time it is in vain, ms. */
export const POLL_MS = { first: 60_000, longest: 1_800_000 };

/** A connection that lasted this long was good: the next wait starts small again, ms. */
export const STABLE_MS = 10_000;

/** Silence for this many heartbeats is the end of the connection. */
export const HEARTBEATS_MISSED_MAX = 2.5;

/** How long a missing durable event may take to come by itself (the server repairs most), ms. Spread by up to a quarter. */
export const HOLE_WAIT_MS = 2_000;

/** How long a server may take to the next event of what it promised to send again, ms: thousands may be returning. */
export const REPLAY_WAIT_MS = 10_000;

/** Durable events that wait behind a missing one; later ones are pulled again instead. */
export const HELD_EVENTS_MAX = 1_000;

/** Pulls without a single new event: then the missing ones are given up, and said (`onReset`). */
export const PULLS_MAX = 3;

/** Log lives remembered per topic. */
export const EPOCHS_MAX = 8;

/** Pages that one `history` call follows where removed comments leave a page short; then it answers `next`. */
export const HISTORY_FOLLOWS_MAX = 100;

/**
 * A page that is connected for this long fetches the transports that it may need later, ms: after an
 * upgrade the server has only those of the next build.
 */
export const LOAD_AHEAD_MS = 5_000;

/** Times a request is sent again, after 100, 200, 400 ms. */
export const REQUEST_RETRIES_MAX = 3;
export const REQUEST_RETRY_MS = 100;

/** A `Retry-After` longer than this is told to the caller instead of waited for, ms. */
export const RETRY_AFTER_MS_MAX = 30_000;

/** A request without an answer is given up, ms. */
export const REQUEST_TIMEOUT_MS = 15_000;

/** The other is told of typing at most this often, ms: half of how long a server lets it hold. */
export const TYPING_INTERVAL_MS = 3_000;

/** Likes leave at most this often per video, ms. */
export const LIKES_INTERVAL_MS = 1_000;

/** Taps that wait per video and kind; a tap beyond is not counted: nobody taps that fast. */
export const LIKES_WAITING_MAX = 200;
