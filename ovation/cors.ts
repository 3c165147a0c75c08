/** Which sites' pages may call: [spec] Fetch, CORS protocol. Tokens are not cookies, so nothing comes with a browser by itself. */

import type { HttpRequest } from "@ovation/protocol";

export interface Cors {
  /** The answer, with what the page of the request's origin needs to read it. */
  finish(request: HttpRequest, response: Response): Response;
  preflight(request: HttpRequest): Response;
}

/** `*` among the origins means any. */
export function createCors(allowed: readonly string[]): Cors {
  const any = allowed.includes("*");
  const origins = new Set(allowed);

  function finish(request: HttpRequest, response: Response): Response {
    const origin = request.headers.get("origin");
    if (origin === null) return response;
    if (any) response.headers.set("access-control-allow-origin", "*");
    else {
      response.headers.append("vary", "origin");
      if (!origins.has(origin)) return response;
      response.headers.set("access-control-allow-origin", origin);
    }
    response.headers.set("access-control-expose-headers", "retry-after");
    return response;
  }

  return {
    finish,
    preflight(request) {
      const headers = {
        "access-control-allow-methods": "GET, POST, PUT, DELETE, PATCH",
        "access-control-allow-headers": "authorization, content-type, last-event-id",
        "access-control-max-age": "86400",
      };
      return finish(request, new Response(null, { status: 204, headers }));
    },
  };
}
