/**
 * Limits of what a client may send, and how long it may take.
 * `ovation/system-tests/hostile-clients.test.ts` tests what happens at each.
 */

/** The request line and the headers, together. Beyond: 431, and the connection ends. */
export const HEAD_BYTES_MAX = 16 * 1024;
export const HEADERS_MAX = 100;
/**
 * From the first byte of a request (or the connect) until its head is whole. Beyond: the connection
 * ends.
 */
export const HEAD_MS_MAX = 10_000;

/** Bodies are bounded by the routes, more tightly; this bounds what no route reads. Beyond: 413. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** From the head until the body is whole. Beyond: the request is aborted, the connection ends. */
export const BODY_MS_MAX = 30_000;
/**
 * Buffered bytes of a body without a reader; over it, the socket is not read until there is one.
 */
export const BODY_BYTES_AHEAD_MAX = 64 * 1024;

/**
 * Bytes of further requests before the one in flight was answered; over it, the socket is not read.
 */
export const PIPELINED_BYTES_MAX = 64 * 1024;
/** Requests of one connection that are answered without a look at the others. */
export const REQUESTS_TOGETHER_MAX = 32;
/**
 * Without a request, and without an answer; `--idle-seconds` changes it. Beyond: the connection
 * ends.
 */
export const IDLE_MS_MAX = 30_000;
/** An answer that says it is longer is sent piece by piece, as fast as the client takes it. */
export const ANSWER_BYTES_WHOLE_MAX = 256 * 1024;
/** One read of a file, into a buffer that is given back before anything waits for the client. */
export const PIECE_BYTES = 64 * 1024;
/** Such buffers, and so such reads at a time. */
export const PIECES_MAX = 16;
/** An answer of which the client takes no byte. Beyond: the connection is reset. */
export const ANSWER_STALLED_MS_MAX = 30_000;
/**
 * After the last answer the client has this long to read it and to close, and what it still sends
 * is dropped. It counts from the last byte that came, and from the answer at most
 * LINGER_TOTAL_MS_MAX.
 */
export const LINGER_MS_MAX = 2000;
export const LINGER_TOTAL_MS_MAX = 10_000;
/**
 * What a client sends on a connection whose answer is a stream: nothing of it is read, and more is
 * no client of ours.
 */
export const STREAM_INPUT_BYTES_MAX = 64 * 1024;

/** Sockets of one address that are looked at for one to evict. */
export const ROOM_LOOKS_MAX = 1000;
/** Addresses that are looked at where none is heavier than the newcomer's. */
export const ADDRESS_LOOKS_MAX = 256;

/**
 * Bytes of bodies that are not whole yet, per address over all workers. Each body counts as at
 * least BODY_BYTES_AHEAD_MAX, so that is 512 bodies. Beyond, the address's longest waiting body is
 * evicted.
 */
export const BODY_BYTES_PER_ADDRESS_MAX = 32 * 1024 * 1024;
/**
 * Bytes of answers that the client has yet to take, per address over all workers. Each answer
 * counts as at least UNREAD_ANSWER_BYTES_MIN. Beyond, the address's longest waiting answer is
 * evicted.
 */
export const UNREAD_BYTES_PER_ADDRESS_MAX = 32 * 1024 * 1024;
export const UNREAD_ANSWER_BYTES_MIN = 4 * 1024;

/** How often the times above are looked at. */
export const SWEEP_MS = 1000;
/** Requests in flight when the server stops have this long. */
export const STOP_MS_MAX = 5000;
export const STOP_POLL_MS = 50;
/**
 * A connection that was just opened, whose request may be in flight, has this long when the server
 * stops.
 */
export const SILENT_AT_STOP_MS_MAX = 200;
/**
 * A kept connection, on which a proxy's next request may be in flight, has this long: that request
 * is answered, and the last.
 */
export const KEPT_AT_STOP_MS_MAX = 100;
