/** Every bound of the log, with its name. What happens at each is said where it is used. */

/**
 * Entries that may wait for a commit; past it `append` rejects with LogUnavailableError:
 * overloaded.
 */
export const QUEUE_ENTRIES_MAX = 50_000;

/** Characters of waiting entries; the same happens past it. */
export const QUEUE_CHARACTERS_MAX = 64 * 1024 * 1024;

/**
 * Entries of one commit group. A single call that is larger is a group of its own: calls are never
 * split.
 */
export const GROUP_ENTRIES_MAX = 4_000;

/** Characters of one commit group. */
export const GROUP_CHARACTERS_MAX = 4 * 1024 * 1024;

/** How long a writer waits for another process that holds the SQLite file's write lock. */
export const SQLITE_BUSY_MS = 5_000;

/**
 * The same on the reading connection, which shares the thread with everything else. WAL readers
 * wait only while a file is recovered.
 */
export const SQLITE_READ_BUSY_MS = 250;

/** An I/O error with less room than this on the disk counts as a full disk. */
export const DISK_ROOM_BYTES_MIN = 4 * 1024 * 1024;

/** Topics that retention looks at in one step, so that commits run in between. */
export const TRIM_TOPICS_MAX = 2_000;

/** Events and keys that retention deletes in one step. */
export const TRIM_EVENTS_MAX = 2_000;

/** Events that retention deletes of one topic before it looks at the others. */
export const TRIM_TOPIC_EVENTS_MAX = 1_000;

/** Numbers that one call of `tally` passes over, so that a topic of millions holds up no thread. */
export const TALLY_EVENTS_MAX = 200_000;

/** Types whose ids a writer keeps in memory: past it the map is emptied and fills again. */
export const NAMES_MAX = 100_000;

/**
 * Transactions of one process in flight at once. A second one would wait for the first one's locks
 * inside the server and save the way there and back; but it halves the groups, and their fixed cost
 * is most of what a busy server does. Two comments processes on a hot topic, two transactions each
 * against one: 47 and 31, 71 and 51, 44 and 34 µs of the server's CPU a comment (in turns on a busy
 * machine, `npm run bench -- durable`), no fewer comments a second.
 */
export const POSTGRES_APPENDS_MAX = 1;

/** Connections for reads, apart from those for appends, so that neither waits for the other. */
export const POSTGRES_READS_MAX = 4;

/**
 * Attempts at a transaction that PostgreSQL took back because of others (deadlock, serialization).
 */
export const POSTGRES_ATTEMPTS_MAX = 5;

/**
 * Looks at the appends in flight that are kept while the oldest of them does not end. Beyond,
 * later looks are not: what may be concluded when it ends is a little less.
 */
export const POSTGRES_LOOKS_MAX = 1_000;

/**
 * A process that never saw what is settled looks again this often, so many times, and fails then.
 */
export const POSTGRES_LOOK_AGAIN_MS = 25;
export const POSTGRES_LOOKS_PATIENCE = 40;

/** Topics that one answer of `changes` may exceed its limit to. */
export const CHANGES_MAX = 100_000;

/** How long an operator's import, export or check of a PostgreSQL log may take. */
export const ARCHIVE_MS_MAX = 24 * 60 * 60 * 1000;

/** Topics, and events, that an archive reads or writes at once. */
export const ARCHIVE_BATCH = 1_000;

/** What `verify` lists; more are counted. */
export const PROBLEMS_MAX = 100;

/** Committed events that wait to be published. Durable ones past it: by the repair lane. */
export const OUTBOX_EVENTS_MAX = 100_000;

/** Events that the outbox hands to the dispatcher in one call. */
export const OUTBOX_BATCH_MAX = 2_000;
