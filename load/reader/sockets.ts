/**
 * The sockets of a reader process. Forms: `sockets-epoll.ts` (Linux, the cheap one),
 * `sockets-bun.ts` (everywhere).
 *
 * For each `connect`, in this order: `opened` at most once, `received` any number of times,
 * `closed` exactly once and never from within `connect` itself; nothing after it. Between them
 * `roundEnded` follows every call of `received` before anything else of the process runs, so that
 * values common to many reads (the time, above all) are computed once per round.
 */

export interface ReaderSocket {
  /** It was connected, if only for a moment. */
  readonly opened: boolean;
  /** For one request: what the kernel does not take at once is buffered in memory. */
  write(text: string): void;
  /** Closes as a viewer that leaves (FIN). `closed` comes before it returns, or soon. */
  end(): void;
  /**
   * Closes as a lost network does (RST), also while it connects. `closed` comes before it returns,
   * or soon.
   */
  terminate(): void;
}

export interface SocketHandlers<Owner> {
  opened(owner: Owner): void;
  /** The first `length` of `bytes`, which the sockets reuse as soon as this returns. */
  received(owner: Owner, bytes: Buffer, length: number): void;
  roundEnded(): void;
  /**
   * `failure`: the system's code (`ECONNREFUSED`) where it never opened and was not closed from
   * here.
   */
  closed(owner: Owner, failure: string | undefined): void;
}

export interface Sockets<Owner> {
  /** `source`: the local IPv4 address, where it matters. */
  connect(owner: Owner, source: string | undefined): ReaderSocket;
  /** Stops all reading. For when all sockets are closed. */
  end(): void;
}
