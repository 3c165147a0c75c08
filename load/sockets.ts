/**
 * The sockets of a reader process. Forms: `sockets-epoll.ts` (Linux, the cheap one), `sockets-bun.ts` (everywhere).
 *
 * For each `connect`, in this order: `opened` at most once, `received` any number of times, `closed` exactly once and never
 * from within `connect` itself; nothing after it. Between them `roundEnded` follows every call of `received` before anything
 * else of the process runs, so what many reads have in common (the time, above all) is worked out once for a round.
 */
import { isIPv4 } from "node:net";
import { openLibc } from "./libc.ts";
import { BunSockets } from "./sockets-bun.ts";
import { EpollSockets } from "./sockets-epoll.ts";

export interface ReaderSocket {
  /** It was connected, if only for a moment. */
  readonly opened: boolean;
  /** Meant for one request: what the kernel does not take at once waits in memory. */
  write(text: string): void;
  /** Closes as a viewer does who has seen enough (FIN). `closed` comes before it returns, or soon. */
  end(): void;
  /** Closes as a lost network does (RST), also while it connects. `closed` comes before it returns, or soon. */
  terminate(): void;
}

export interface SocketHandlers<Owner> {
  opened(owner: Owner): void;
  /** The first `length` of `bytes`, which belong to the sockets again as soon as this returns. */
  received(owner: Owner, bytes: Buffer, length: number): void;
  roundEnded(): void;
  /** `failure`: the system's code (`ECONNREFUSED`) where it never opened and was not told to close. */
  closed(owner: Owner, failure: string | undefined): void;
}

export interface Sockets<Owner> {
  /** `source`: the local IPv4 address, where it matters. */
  connect(owner: Owner, source: string | undefined): ReaderSocket;
  /** Nothing is read any more. For when all sockets have been closed. */
  end(): void;
}

/** The cheapest form that this system has for this server. */
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
