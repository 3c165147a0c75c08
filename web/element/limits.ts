/** Every limit of the element, with its name. */

/** Rows in the list at once. 200 rows inserted in batches cost about a tenth of a slow core at 100 comments a second; 5,000 rows cost seven times that. */
export const ROWS_MAX = 200;
/** Comments shown to somebody who joins, and in each step of "load earlier". */
export const HISTORY_PAGE = 50;
/** Pages of comments read to close the distance between the snapshot and the stream. */
export const CATCH_UP_PAGES_MAX = 10;
/** Comments in each of them. */
export const CATCH_UP_PAGE = 200;
/** Pages without a comment that can be shown, read one after another before the reader is asked again. */
export const EMPTY_PAGES_MAX = 5;
/** First and longest bound of the wait before the comments are read again, ms; twice as long at most. */
export const RELOAD_WAIT_MS = { first: 1000, longest: 30_000 };
/** A server's wish to wait is followed up to here, ms. */
export const RELOAD_ASKED_MS_MAX = 60_000;
/** Comments that take longer than this to be read are said to come, ms. */
export const SLOW_LOAD_MS = 4000;
/** How long it is shown that the newest comments were loaded and some before them may be missing, ms. */
export const RELOADED_MS = 6000;
/** How long a failed action is shown in the status line, ms. */
export const NOTE_MS = 6000;
/** When a page that has settled fetches what it may need later, ms. */
export const LOAD_AHEAD_MS = 5000;
/** How long a sentence for screen readers stays, ms, and how many announced comments. */
export const SAID_MS = 3000;
export const ANNOUNCEMENTS_KEPT = 5;
/** Row elements that are kept to be used again: more than one update takes. */
export const SPARE_ROWS_MAX = 64;
/** The list changes at most this often: a throttle, so that a busy room still moves. */
export const TICK_MS = 150;
/** Nearer to the end than this, the list follows. */
export const FOLLOW_DISTANCE_PX = 80;
/** The pill says "99+" beyond. */
export const NEW_COUNT_SHOWN_MAX = 99;
/** Comments of one's own that are on their way or failed. */
export const LOCAL_MAX = 10;
/** Numbers of removed comments that are remembered, for history answers that were under way. */
export const REMOVED_MAX = 1000;
/** A lost connection is mentioned when it lasts longer than this. */
export const STATUS_DELAY_MS = 800;

/** Hearts in the air at once, how long one flies, and the canvas's sharpest scale. */
export const HEARTS_MAX = 60;
export const HEART_LIFE_MS = 2500;
export const HEART_SCALE_MAX = 2;
