/** Every bound of a frontend, with what happens there. */

/**
 * The ring of a topic; beyond either, a slow viewer skips forward. A busy topic makes 100 batches a
 * second.
 */
export const RING_BATCHES_MAX = 1024;
export const RING_BYTES_MAX = 512 * 1024;

/** Batches of a topic whose live events are still counted after the ring: 80 s at 100 a second. */
export const LIVE_TALLY_BATCHES_MAX = 8192;
/**
 * Clients whose connection was closed while it took no bytes, and topics of each, whose missed live
 * events can be announced at their return; beyond, the least recent are forgotten, with no `gap`.
 */
export const DEPARTED_CLIENTS_MAX = 5000;
export const DEPARTED_TOPICS_PER_CLIENT_MAX = 100;
export const DEPARTURE_MS = 5 * 60_000;

/** The history of a topic, for returning clients; beyond, events are read from the log. */
export const HISTORY_EVENTS_MAX = 1000;

/**
 * Durable events that arrived ahead of a missing one; beyond, the newest are dropped and pulled
 * later.
 */
export const HELD_EVENTS_MAX = 1000;
export const HELD_BYTES_MAX = 4 * 1024 * 1024;

/** The buffer of a topic without an event for this long is released. */
export const QUIET_MS = 60_000;
/** All topics are checked once in that time, some of them this often … */
export const RELEASE_STEP_MS = 250;
/** … and at least so many. */
export const RELEASE_STEP_CHANNELS_MIN = 64;

/** How long a missing event may be in flight before it is pulled from the log. */
export const REPAIR_DELAY_MS = 30;
/** Waits between failed pulls: doubled from the first up to the last. */
export const REPAIR_RETRY_FIRST_MS = 100;
export const REPAIR_RETRY_LAST_MS = 2000;
/** Events in one read of the log, by repair and by recovery. */
export const LOG_PAGE_EVENTS = 200;
/** Pages of the log and of replays, cached for clients that return to the same topic together. */
export const PAGES_CACHED_MAX = 256;
export const PAGES_CACHED_BYTES_MAX = 32 * 1024 * 1024;
export const PAGE_CACHE_MS = 5000;
/** Answers of the log about a position, cached for other clients with the same position. */
export const POSITION_CHECKS_CACHED_MAX = 1000;
export const POSITION_CHECK_CACHE_MS = 1000;
/**
 * Reads of the log for returning clients that run at the same time; further ones wait their turn.
 */
export const LOG_READS_MAX = 256;
/** Of them, those that one address has. */
export const LOG_READS_PER_ADDRESS_SHARE = 0.25;
/** Replays yield to the event loop after this long, or after so many pages. */
export const REPLAY_SLICE_MS = 4;
export const REPLAY_SLICE_PAGES_MAX = 256;
/** Clients that return within this time get the same point in their ids. */
export const REPLAY_POINT_MS = 1000;

/**
 * Events that one request may have replayed, over all its topics; topics beyond are answered
 * `recovered: false`. A client that missed more is quicker with a snapshot.
 */
export const REPLAY_EVENTS_PER_REQUEST_MAX = 5000;
/** And bytes: beyond, the connection ends with `reconnect`, and resumes where it was. */
export const REPLAY_BYTES_PER_REQUEST_MAX = 8 * 1024 * 1024;
/**
 * Bytes that one address may have replayed in a window, over all workers. Bytes of a page that was
 * made for another request as well count a sixteenth: 20,000 viewers behind one address, each 500
 * comments behind, are 3.3 GB and count as 210 MB (`npm run bench -- return`).
 */
export const REPLAY_BYTES_PER_ADDRESS_MAX = 256 * 1024 * 1024;
export const REPLAY_WINDOW_MS = 5 * 60 * 1000;
export const REPLAY_SHARED_WEIGHT = 1 / 16;
/** The last quarter of it is for requests that missed no more than this. */
export const REPLAY_RESERVED_SHARE = 0.25;
export const REPLAY_SMALL_EVENTS_MAX = 500;

/** A replay that the broadcast overtakes this often is told to start over from the snapshot. */
export const RECOVERY_ROUNDS_MAX = 20;

/**
 * A busy topic rests this share of the time that its last round took before the next one. More
 * means larger batches and fewer writes, less means less waiting; at a quarter, four fifths of a
 * core are the most that one topic takes. 10,000 viewers × 100 events/s: p90 76 ms at a half, 68 at
 * a quarter, 67 at a tenth (`npm run bench -- million`).
 */
export const BATCH_REST_SHARE = 0.25;
/** And at most this long. */
export const BATCH_WAIT_MAX_MS = 100;
/** A round yields to accepts, heartbeats and health checks after this long. */
export const BROADCAST_SLICE_MS = 8;
/** How many writes pass between two looks at the clock. */
export const BROADCAST_CLOCK_EVERY = 128;

/** One write of several outstanding batches; beyond, the rest is a further write. */
export const PUMP_BYTES_MAX = 128 * 1024;

/**
 * Live events waiting for one topic's next batch; beyond, the oldest are dropped, and announced by
 * a `gap`.
 */
export const PENDING_LIVE_EVENTS_MAX = 10_000;
export const PENDING_LIVE_BYTES_MAX = 8 * 1024 * 1024;
/**
 * Durable ones; beyond, later ones are not taken: they are pulled from the log after the next
 * batch.
 */
export const PENDING_DURABLE_EVENTS_MAX = 10_000;
export const PENDING_DURABLE_BYTES_MAX = 8 * 1024 * 1024;

/** A connection whose write stays pending this long is closed; it can return with its position. */
export const STUCK_MS = 30_000;

/** Frontend asks for what is new, and tells its viewer counts, this often. */
export const REPORT_MS = 1000;
/**
 * The viewer count waits so long to share a write with another event. Alone it costs a write to
 * every viewer, and one report brings the counts of all topics at once (`npm run bench -- storm`).
 */
export const STATS_PATIENCE_MS = 1000;
/** The presence of a connected member is reported at the connect and this often after. */
export const PRESENCE_MS = 30_000;
/** Members waiting for a report; beyond, they wait for the next round. */
export const PRESENT_MEMBERS_MAX = 100_000;
/** The lease in the subscription table … */
export const LEASE_MS = 6000;
/** … renewed this often, which also detects an emptied store (`npm run bench -- redis-back`). */
export const LEASE_RENEW_MS = 1000;
/** A topic without viewers stays subscribed this long: most disconnecting clients reconnect. */
export const LINGER_MS = 10_000;
/** Changes in one call upwards. */
export const CHANGES_PER_CALL_MAX = 1000;
/** A connect or subscription that the dispatchers cannot answer for this long is refused. */
export const JOIN_TIMEOUT_MS = 5000;
/** Waits between failed calls upwards. */
export const UPSTREAM_RETRY_FIRST_MS = 100;
export const UPSTREAM_RETRY_LAST_MS = 1000;

/**
 * Between two checks whether pending events were broadcast; they wait BATCH_WAIT_MAX_MS at most.
 */
export const PASSED_POLL_MS = 2;

/** How long a client waits for a frontend that is behind it; then it may get events again. */
export const REACH_MS_MAX = 2000;

/** A connection ends at a random point between these, so that load evens out and dead peers go. */
export const LIFETIME_MIN_MS = 45 * 60 * 1000;
export const LIFETIME_MAX_MS = 75 * 60 * 1000;
/**
 * A client that lost its connection waits a random time up to this: the clients of a dead frontend
 * are all on others within five seconds, 18,000 of them at 5,700 a second (`npm run bench --
 * frontend-killed`).
 */
export const RETURN_SPREAD_MS = 3500;

/** A probe is sent this often, and counts as lost when it is not back after so long. */
export const PROBE_MS = 1000;
export const PROBE_LOST_MS = 5000;

/** Connections of the heaviest address that one look at all connections finds for eviction … */
export const EVICT_SCAN_CONNECTIONS_MAX = 256;
/** … which is at most this often. Between, a full process refuses. */
export const EVICT_SCAN_MS = 100;

/** A connection ends this long after a token that it depends on has expired, at most. */
export const EXPIRY_STEP_MS = 250;

/** Connects of guests that wait for the check of their token; more are told to return. */
export const GUEST_CHECKS_WAITING_MAX = 10_000;

/**
 * A poll without news is answered after this: shorter than any proxy waits, and than TLS listeners.
 */
export const POLL_HOLD_MS = 25_000;
/**
 * A poll's connection without a request for this long is closed; the client recovers by its
 * position.
 */
export const POLL_PARK_MS = 10_000;
/** What is written so soon after an event goes in the same answer. */
export const POLL_GATHER_MS = 50;
/**
 * A client whose connection was at another frontend is answered after this long: behind a balancer
 * that sends every request to the next frontend, it would come again at once, and for ever.
 */
export const POLL_MOVED_MS = 1000;
/** What waits for one client's polls; beyond, its connection is a slow one. */
export const POLL_BUFFER_BYTES_MAX = 128 * 1024;

/**
 * Topics of one process; beyond, those without a viewer go, then connections of the heaviest
 * address.
 */
export const TOPICS_PER_PROCESS_MAX = 1_000_000;
/**
 * Topics that count for one address over all workers; beyond, connects and changes with new ones
 * wait.
 */
export const TOPICS_PER_ADDRESS_MAX = 20_000;
/** Rates of changes are counted in windows of this length. */
export const CHANGE_WINDOW_MS = 60_000;
/** Topics added to one connection and removed from it. */
export const TOPIC_CHANGES_PER_CONNECTION_MAX = 600;
/** The same for all connections of an address, with the new topics of its connects. */
export const TOPIC_CHANGES_PER_ADDRESS_MAX = 60_000;
/** `PUT` and `DELETE …/subscriptions` of one address. */
export const CHANGE_REQUESTS_PER_ADDRESS_MAX = 60_000;
/** A topic that lived shorter than this lingers no longer than this … */
export const YOUNG_MS = 1000;
/** … and lingering topics are looked at this often. */
export const LINGER_STEP_MS = 250;
