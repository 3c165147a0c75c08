/** The limits of a replay. */

/** One line of a JSON Lines recording; a longer one is left out. */
export const LINE_BYTES_MAX = 64 * 1024;
/**
 * A chat.json is one JSON value and is read whole; larger ones are to be turned into JSON Lines
 * first.
 */
export const CHAT_JSON_BYTES_MAX = 512 * 1024 * 1024;
/** Times further from zero than this (300 years) are not times of a recording. */
export const OFFSET_SECONDS_MAX = 1e10;
/** Comments held back to put a recording that is nearly in order of time into order. */
export const REORDER_WINDOW = 512;
/** A recording that is further from it is sorted: so many comments are in memory at a time … */
export const SORTED_COMMENTS_MAX = 50_000;
/** … with so many characters, */
export const SORTED_TEXT_CHARACTERS_MAX = 16 * 1024 * 1024;
/** and so many temporary files are open; then they become one. */
export const SORTED_PARTS_MAX = 64;
/**
 * Authors whose token is remembered; beyond, the longest unused one is made again when they write.
 */
export const AUTHORS_MAX = 20_000;

/**
 * A request that failed without an answer, or with a 5xx, is repeated this often, after growing
 * pauses.
 */
export const ATTEMPTS_MAX = 8;
export const RETRY_FIRST_MS = 100;
export const RETRY_LONGEST_MS = 5_000;
/** Where a 429 does not say how long to wait. */
export const RATE_LIMIT_WAIT_MS = 1_000;
/** The longest wait that a timer takes; a longer one is made of several. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Refused comments that are shown; all are counted. */
export const REFUSALS_SHOWN_MAX = 5;
/** Places of odd items that are shown at the end; all are counted. */
export const PLACES_SHOWN_MAX = 5;
