/** The limits of a replay. */

/** One line of a JSON Lines recording. */
export const LINE_BYTES_MAX = 64 * 1024;
/** A chat.json is one JSON value and is read whole; larger ones are to be turned into JSON Lines first. */
export const CHAT_JSON_BYTES_MAX = 512 * 1024 * 1024;
/** Comments held back to put a JSON Lines recording in order of time; one that is later than that goes out when it is read. */
export const REORDER_WINDOW = 512;
/** Authors whose token is remembered; beyond, the longest unused one is made again when they write. */
export const AUTHORS_MAX = 20_000;
/** The server takes names up to this long. */
export const NAME_CODE_POINTS_MAX = 40;

/** A request that failed without an answer, or with a 5xx, is repeated this often, after growing pauses. */
export const ATTEMPTS_MAX = 8;
export const RETRY_FIRST_MS = 100;
export const RETRY_LONGEST_MS = 5_000;
/** Where a 429 does not say how long to wait. */
export const RATE_LIMIT_WAIT_MS = 1_000;

/** Refused comments that are shown; all are counted. */
export const REFUSALS_SHOWN_MAX = 5;
