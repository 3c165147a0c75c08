/** Every limit of the load generator, with its name. */

/** The maximum length of one run: it ends by itself, whatever was requested. */
export const DURATION_SECONDS_MAX = 24 * 3600;
/** How long the reader waits for connections to open before it gives up the run. */
export const CONNECT_TIMEOUT_SECONDS = 180;
/** How long a run waits for a server while every connection is refused. */
export const LISTEN_TIMEOUT_SECONDS = 3;
/** Connection attempts in flight, per reader process. Below the usual accept queue (4,096). */
export const CONNECTING_MAX = 256;
/** A connection that is not subscribed by then is closed and retried. */
export const SUBSCRIBE_TIMEOUT_SECONDS = 30;
/** Connections of one reader process: the usual limit is 20,000 descriptors, some are its own. */
export const CONNECTIONS_PER_PROCESS_MAX = 17_000;
/**
 * Connections from one source address: below the 28,232 ephemeral ports of Linux, so that a return
 * finds free ones.
 */
export const CONNECTIONS_PER_ADDRESS_MAX = 8192;
/** Reader processes. */
export const PROCESSES_MAX = 64;

/** A longer chunk is parsed again for each connection. */
export const CACHED_CHUNK_BYTES_MAX = 256 * 1024;
/** Distinct chunks that a reader caches: one slot each, the newer replaces the older. */
export const CACHED_CHUNKS_MAX = 512;
/**
 * An unfinished response head, chunk-size line or event. A server that sends more is not read any
 * further.
 */
export const CARRY_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Ranges of missing numbers that a reader process keeps, to tell a late event from a repeated one.
 */
export const MISSING_RANGES_MAX = 100_000;

/** Larger latencies are recorded as this: microseconds. */
export const LATENCY_US_MAX = 3_600_000_000;

/**
 * First wait before a lost connection is opened again, where the server does not say: random
 * between 0 and this.
 */
export const RETRY_MS_DEFAULT = 2000;
/** A longer `retry:` is cut to this: the run must end. */
export const RETRY_MS_MAX = 60_000;

/** Events that fell due during a publish request and wait for the next one, per publisher. */
export const DUE_EVENTS_MAX = 200_000;
/** How long one publish request may take. */
export const PUBLISH_TIMEOUT_MS = 30_000;
/** Bytes of one event's payload. */
export const PAYLOAD_BYTES_MAX = 64 * 1024;
