/** Every limit of the load generator, with its name. */

/** How long one run may publish: it ends by itself, whatever was asked for. */
export const DURATION_SECONDS_MAX = 24 * 3600;
/** How long the reader waits for connections to open before the run is given up. */
export const CONNECT_TIMEOUT_SECONDS = 180;
/** How long a run waits for a server where every connection is refused because nothing listens. */
export const LISTEN_TIMEOUT_SECONDS = 3;
/** Connection attempts under way at once, per reader process. Below the usual accept queue (4,096). */
export const CONNECTING_MAX = 256;
/** A connection that is not subscribed by then is given up and tried again. */
export const SUBSCRIBE_TIMEOUT_SECONDS = 30;
/** Connections that one reader process holds: the usual limit is 20,000 files, some are its own. */
export const CONNECTIONS_PER_PROCESS_MAX = 17_000;
/** Connections from one source address: below the 28,232 ephemeral ports of Linux, and so that a return finds free ones. */
export const CONNECTIONS_PER_ADDRESS_MAX = 8192;
/** Reader processes. */
export const PROCESSES_MAX = 64;

/** A chunk longer than this is parsed for each connection anew. */
export const CACHED_CHUNK_BYTES_MAX = 256 * 1024;
/** Different chunks that a reader remembers: one slot each, the newer replaces the older. */
export const CACHED_CHUNKS_MAX = 512;
/** An unfinished answer head, chunk-size line or event. A server that sends more is not read any further. */
export const CARRY_BYTES_MAX = 8 * 1024 * 1024;

/** Ranges of missing numbers that a reader process keeps, to tell a late event from a repeated one. */
export const MISSING_RANGES_MAX = 100_000;

/** Latencies above are recorded as this: microseconds. */
export const LATENCY_US_MAX = 3_600_000_000;

/** First wait before a lost connection is opened again, where the server says nothing: drawn between 0 and this. */
export const RETRY_MS_DEFAULT = 2000;
/** A longer `retry:` than this is cut: the run must end. */
export const RETRY_MS_MAX = 60_000;

/** Events that fell due while a publish request was under way and wait for the next one, per publisher. */
export const DUE_EVENTS_MAX = 200_000;
/** How long one publish request may take. */
export const PUBLISH_TIMEOUT_MS = 30_000;
/** Bytes of one event's payload. */
export const PAYLOAD_BYTES_MAX = 64 * 1024;
