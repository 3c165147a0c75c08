/** Every limit of the element, with its name. */

/**
 * Rows in the list at once. At 100 comments a second 200 rows, inserted in batches, cost about a
 * tenth of a slow core; 5,000 rows cost seven times that.
 */
export const ROWS_MAX = 200;
/** Comments read for a new viewer, and in each step of "load earlier". */
export const HISTORY_PAGE = 50;
/** Pages of comments read between the snapshot and the head of the stream. */
export const CATCH_UP_PAGES_MAX = 10;
/** Comments in each of them. */
export const CATCH_UP_PAGE = 200;
/** Consecutive pages without a comment to show; after them the reader presses again. */
export const EMPTY_PAGES_MAX = 5;
/** First and longest bound of the pause before the comments are read again, ms; at most doubled. */
export const RELOAD_WAIT_MS = { first: 1000, longest: 30_000 };
/** A pause that the server asks for is cut to this, ms. */
export const RELOAD_ASKED_MS_MAX = 60_000;
/** After this long the status line announces that the comments are still loading, ms. */
export const SLOW_LOAD_MS = 4000;
/** How long the status line shows that comments before the newest may be missing, ms. */
export const RELOADED_MS = 6000;
/** How long a failed action is shown in the status line, ms. */
export const NOTE_MS = 6000;
/** After this long the page fetches the modules that it may need later, ms. */
export const LOAD_AHEAD_MS = 5000;
/** How long a sentence for screen readers stays, ms, and how many announced comments. */
export const SAID_MS = 3000;
export const ANNOUNCEMENTS_KEPT = 5;
/** Row elements kept for reuse: more than one update takes. */
export const SPARE_ROWS_MAX = 64;
/** The list changes at most this often, ms: a throttle, so that a busy list still moves. */
export const TICK_MS = 150;
/** The list follows when it is nearer to its end than this. */
export const FOLLOW_DISTANCE_PX = 80;
/** The pill says "99+" beyond. */
export const NEW_COUNT_SHOWN_MAX = 99;
/** The viewer's own comments that are pending or failed. */
export const LOCAL_MAX = 10;
/** Numbers of removed comments kept for history responses in flight. */
export const REMOVED_MAX = 1000;
/** A lost connection is shown after this long, ms. */
export const STATUS_DELAY_MS = 800;

/** Hearts visible at once, how long one is visible, and the canvas's largest scale. */
export const HEARTS_MAX = 60;
export const HEART_LIFE_MS = 2500;
export const HEART_SCALE_MAX = 2;
