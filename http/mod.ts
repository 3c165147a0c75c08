/**
 * http: HTTP/1.1 on raw sockets, for the one thing that it must be good at: tens of thousands of answers
 * that never end. A write to one of them is one system call with the caller's bytes, and an idle one is a
 * socket and a small object. Everything else of HTTP/1.1 that clients and proxies use is here beside it:
 * requests one after another, bodies by length and in chunks, long answers, limits on all of it.
 *
 * Life of a socket: `HttpServer` gives it to an `HttpConnection`, which reads requests; an answer that is a
 * stream gives it to an `EventStream`, for good.
 *
 * TLS, HTTP/2 and HTTP/3 are Bun's own (`ovation/listener-tls.ts`): the same routes, the same streams.
 */

export { openCLibrary } from "./c-library.ts";
export type { Call } from "./connection-host.ts";
export type { CutReason } from "./cut-reason.ts";
export { createDirectSender } from "./direct-send.ts";
export { HttpServer, type HttpServerOptions } from "./http-server.ts";
export type { IncomingRequest } from "./incoming-request.ts";
export { BODY_BYTES_MAX, STOP_MS_MAX } from "./limits.ts";
