/** Every bound of a dispatcher, with what happens there. */

/** Publishes whose lookup is under way; beyond, publishers are answered `unavailable`. */
export const PUBLISHES_IN_FLIGHT_MAX = 10_000;

/** A frontend that does not report for this long has no viewers any more. */
export const VIEWERS_TTL_MS = 8000;

/** Topics with new durable events in one report; what is beyond comes with the next one. */
export const CHANGED_TOPICS_PER_REPORT_MAX = 5000;
