/** The bounds of a dispatcher, and what happens at each. */

/** Publishes whose lookup is in flight; beyond, publishers get `unavailable`. */
export const PUBLISHES_IN_FLIGHT_MAX = 10_000;

/**
 * A frontend that has not reported for this long is dead: its viewers are not counted. It reports
 * every second; a hanging dispatcher costs it two. For a viewer of another data centre add 2.4 s
 * until that one asks, 1 s until its frontends do, and 1 s until the number is written: a count is
 * right again within ten seconds (`npm run bench -- viewer-counts`).
 */
export const VIEWERS_TTL_MS = 5000;

/**
 * Topics with new durable events in one report, and in one read of the log; further ones are in the
 * next, which follows at once.
 */
export const CHANGED_TOPICS_PER_REPORT_MAX = 5000;
/** A page of the log serves other frontends for this long. */
export const SHARED_PAGE_MS = 2000;
/** Characters of `data` in all shared pages; beyond, the oldest pages are evicted. */
export const SHARED_PAGES_CHARACTERS_MAX = 32 * 1024 * 1024;
export const SHARED_PAGES_MAX = 10_000;
