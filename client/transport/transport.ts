/**
 * How an event stream reaches the SDK: one connection, opened once, ended once. Reconnecting,
 * positions and order are the stream's (`stream.ts`); a transport only reads.
 *
 * Forms: `transport-event-source.ts` (the browser's, or any class like it), `transport-fetch.ts`,
 * and `transport-poll.ts`, which needs no stream. No callback is called before `OpenTransport` has
 * returned, nor after `close()`; `onEnd` is the last.
 */

import type { Message } from "@ovation/protocol";
import type { ApiError } from "../requests/api-error.ts";

export interface TransportRequest {
  /** The full URL with topics and position, without the token. */
  readonly url: string;
  readonly token: string | undefined;
}

/** Why a connection is over. */
export type TransportEnd =
  /** The server ended it cleanly. */
  | { readonly kind: "ended" }
  /** The network, a proxy or a dying server. */
  | { readonly kind: "lost"; readonly detail: string }
  /** The browser's EventSource gave up without a reason: fetch can find it out. */
  | { readonly kind: "unexplained" }
  /** A response other than 200. */
  | { readonly kind: "refused"; readonly error: ApiError };

export interface TransportCallbacks {
  onMessage(message: Message): void;
  /** Something arrived, also a comment line. */
  onAlive(): void;
  /** The server's `retry:`, ms. */
  onRetry(ms: number): void;
  onEnd(end: TransportEnd): void;
}

export interface Transport {
  /** Whether it notices comment lines. EventSource hides them. */
  readonly seesHeartbeats: boolean;
  close(): void;
}

export type OpenTransport = (request: TransportRequest, callbacks: TransportCallbacks) => Transport;
