/** The bounds of what a dispatcher answers to the reports of frontends. */

/** Heads are read from the log when the last read is older than this. */
export const HEADS_AGE_MS = 250;
/**
 * Pages of the log in one such read; what is beyond is in the next one: 800,000 changed topics a
 * second.
 */
export const HEAD_PAGES_PER_READ_MAX = 40;
/** Recent heads in memory; beyond, a frontend that is further behind costs a read of its own. */
export const RECENT_HEADS_MAX = 100_000;
/** Without a report for this long, the recent heads begin again at the present. */
export const RECENT_HEADS_IDLE_MS = 10_000;
