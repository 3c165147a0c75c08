/** What an `HttpConnection` needs of its server, and what a handler gets beside the request. */

import type { Problem, RouteAnswer } from "@ovation/protocol";
import type { EventStream, StreamHost } from "../event-stream.ts";
import type { SharedBytes } from "../shared-bytes.ts";
import type { PooledSocket } from "../socket-pool.ts";
import type { IncomingRequest } from "./incoming-request.ts";

export interface ConnectionHost extends StreamHost {
  /** ms of a monotonic clock. */
  now(): number;
  /** Handles every request. A rejection is a bug, reported to `failed`. */
  handle(request: IncomingRequest, call: Call): Promise<RouteAnswer>;
  failed(error: unknown): void;
  /** A request that never reached a handler. */
  refused(problem: Problem): void;
  /** No further request is taken. */
  readonly stopping: boolean;
  /** How long a connection may wait for its next request. */
  readonly idleMs: number;
  /** Bytes of bodies that are not whole yet, by address. */
  readonly bodies: SharedBytes;
  /** Bytes of responses that clients have yet to read, by address. */
  readonly unread: SharedBytes;
  /** The address that the request counts for, by the headers of proxies that are trusted. */
  addressOf(request: IncomingRequest, peer: string): string;
  /** The socket counts for that address from now on. */
  moved(connection: HostedConnection, address: string): void;
  /** The connection waits for its next request, from now on. */
  waits(connection: HostedConnection): void;
  /** The stream has taken the connection's socket. */
  became(connection: HostedConnection, stream: EventStream): void;
  /** The connection is closed. */
  left(connection: HostedConnection): void;
}

/** A connection that reads requests, as its server sees it. */
export interface HostedConnection extends PooledSocket {
  /** Graceful shutdown: idle connections close after a short grace, others after their response. */
  endIfIdle(stoppingSince: number): void;
  /** Ends the connection if its state has lasted too long. */
  sweep(now: number): void;
  terminate(): void;
}

/** The request in flight, beside its content. */
export interface Call {
  /** The other end of the socket. */
  readonly peer: string;
}
