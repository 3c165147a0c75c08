/**
 * http: HTTP/1.1 on raw sockets, for one purpose: tens of thousands of responses that never end. A
 * write to one of them is one system call with the caller's bytes, and an idle one is a socket and
 * a small object. The rest of HTTP/1.1 that clients and proxies use is here too: requests one after
 * another, bodies by length and in chunks, long responses, limits on all of it.
 *
 * Life cycle of a socket: `HttpServer` gives it to an `HttpConnection`, which reads requests; a
 * response that is a stream gives it to an `EventStream`, for good.
 *
 * TLS, HTTP/2 and HTTP/3 are Bun's own (`ovation/listener/listener-tls.ts`): the same routes and
 * streams.
 */

export { openCLibrary } from "./c-library.ts";
export type { Call } from "./connection/connection-host.ts";
export type { CutReason } from "./connection/cut-reason.ts";
export type { IncomingRequest } from "./connection/incoming-request.ts";
export { createDirectSender } from "./direct-send.ts";
export { HttpServer, type HttpServerOptions } from "./http-server.ts";
export { BODY_BYTES_MAX, STOP_MS_MAX } from "./limits.ts";
