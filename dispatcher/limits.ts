/** Every bound of a dispatcher, with what happens there. */

/** Publishes whose lookup is under way; beyond, publishers are answered `unavailable`. */
export const PUBLISHES_IN_FLIGHT_MAX = 10_000;

/**
 * A frontend that has not reported for this long is dead, and its viewers are not counted. It reports every second; a dispatcher that
 * stands still costs it two. With the rest of the way to a viewer of another data centre (2.4 s until that one asks, a second until its
 * frontends do, a second until the number is written) a count is right again within ten seconds (`npm run bench -- viewer-counts`).
 */
export const VIEWERS_TTL_MS = 5000;

/** Topics with new durable events in one report; what is beyond comes with the next one. */
export const CHANGED_TOPICS_PER_REPORT_MAX = 5000;
