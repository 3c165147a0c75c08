/** The limits of the demo. */

export const VIEWERS_DEFAULT = 40;
export const VIEWERS_MAX = 500;
/** How often a room looks at what is due. */
export const TICK_MS = 250;
/** Comments that are there when the page opens. */
export const SEED_COMMENTS = 40;
/** Of the seeding, by one person. */
export const SEED_COMMENTS_PER_PERSON = 3;
/** Requests of the seeding at one time. */
export const SEED_PARALLEL = 4;
/** A text is not said again before so many others were. */
export const TEXTS_REMEMBERED = 600;
/** Comments that an author may still answer. */
export const RECENT_COMMENTS_MAX = 24;
/** Between two comments of the same person: they type. */
export const PAUSE_PER_PERSON_MS = 7_000;
/** Real people in the room who were greeted. */
export const VISITORS_KNOWN_MAX = 1_000;
/** Answers to one real person's comments come at most this often. */
export const VISITOR_ANSWER_EVERY_MS = 3_000;
/** Before a viewer who was cut off connects again: up to this long. */
export const RECONNECT_MS_MAX = 3_000;
/** A request that takes longer is given up. */
export const REQUEST_TIMEOUT_MS = 10_000;
