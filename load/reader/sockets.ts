/**
 * The sockets of a reader process. Forms: `sockets-epoll.ts` (Linux, the cheap one),
 * `sockets-bun.ts` (everywhere).
 *
 * For each `connect`, in this order: `opened` at most once, `received` any number of times,
 * `closed` exactly once and never from within `connect` itself; nothing after it. Between them
 * `roundEnded` follows every call of `received` before anything else of the process runs, so that
 * values common to many reads (the time, above all) are computed once per round.
 */
import { isIPv4 } from "node:net";
import { openLibc } from "./libc.ts";
import { BunSockets } from "./sockets-bun.ts";
import { EpollSockets } from "./sockets-epoll.ts";

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

/** The cheapest form of this system for this server. */
export function createSockets<Owner>(
  host: string,
  port: number,
  handlers: SocketHandlers<Owner>,
): Sockets<Owner> {
  const libc = isIPv4(host) ? openLibc() : undefined;
  return libc === undefined
    ? new BunSockets(host, port, handlers)
    : new EpollSockets(libc, host, port, handlers);
}
