/** Passes a request on to the core over its Unix socket: what a worker does not serve itself. */

import { type HttpRequest, Problem, PUBLISHER_BODY_BYTES_MAX, readBytes } from "@ovation/protocol";

/** The viewer's address, as the worker saw it. Only the socket's listener believes it. */
export const ADDRESS_HEADER = "x-ovation-address";

/** Headers of one connection, not of the message: [spec] RFC 9110, 7.6.1. And what the fetch has undone already. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
];
/** CORS is the worker's, which knows the allowed origins. */
const OWN = ["origin"];

export function passOn(
  socket: string,
): (request: HttpRequest, path: string, address: string) => Promise<Response> {
  return async (request, path, address) => {
    const { pathname, search } = new URL(request.url);
    // `/v1/../x` and the like: routed here by one path, asked for there by another.
    if (pathname !== path) throw new Problem("not-found");
    const headers = new Headers();
    request.headers.forEach((value, name) => {
      headers.append(name, value);
    });
    for (const name of [...HOP_BY_HOP, ...OWN]) headers.delete(name);
    headers.set(ADDRESS_HEADER, address);
    const body =
      request.method === "GET" || request.method === "HEAD"
        ? undefined
        : await readBytes(request, PUBLISHER_BODY_BYTES_MAX);
    try {
      const response = await fetch(`http://core${pathname}${search}`, {
        unix: socket,
        method: request.method,
        headers,
        redirect: "manual",
        decompress: false,
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      });
      return new Response(response.body, { status: response.status, headers: response.headers });
    } catch {
      // Which it was is the core's to log; the viewer can only try again.
      throw new Problem("bad-gateway", "the core process does not answer", { retryAfterMs: 1000 });
    }
  };
}
