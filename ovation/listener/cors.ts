/**
 * Which sites' pages may call: [spec] Fetch, CORS protocol. Tokens are not cookies, so nothing
 * comes with a browser by itself.
 */

import {
  type HttpRequest,
  Problem,
  type RouteAnswer,
  SourceAnswer,
  StreamAnswer,
  TextAnswer,
} from "@ovation/protocol";

export interface Cors {
  /** The answer, with what the page of the request's origin needs to read it. */
  finish(request: HttpRequest, answer: RouteAnswer): RouteAnswer;
  preflight(request: HttpRequest): RouteAnswer;
  /**
   * Throws `origin-not-allowed` where a page of another origin would change something. A browser
   * sends such a request also where it may not read the answer (`no-cors`, a form).
   */
  requireAllowed(request: HttpRequest): void;
}

/** [spec] RFC 9110, 9.2.1. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** `*` among the origins means any. */
export function createCors(allowed: readonly string[]): Cors {
  const any = allowed.includes("*");
  const origins = new Set(allowed);

  function finish(request: HttpRequest, answer: RouteAnswer): RouteAnswer {
    const origin = request.headers.get("origin");
    if (origin === null) return answer;
    if (answer instanceof TextAnswer)
      return new TextAnswer(answer.body, answer.status, join(answer.headers, headersFor(origin)));
    if (answer instanceof SourceAnswer || answer instanceof StreamAnswer)
      return answer.withHeaders(join(answer.headers, headersFor(origin)));
    for (const [name, value] of Object.entries(headersFor(origin))) {
      if (name === "vary") answer.headers.append(name, value);
      else answer.headers.set(name, value);
    }
    return answer;
  }

  function headersFor(origin: string): Record<string, string> {
    if (any)
      return { "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after" };
    if (!origins.has(origin)) return { vary: "origin" };
    return {
      vary: "origin",
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "retry-after",
    };
  }

  return {
    finish,
    requireAllowed(request) {
      if (any || SAFE_METHODS.has(request.method)) return;
      const origin = request.headers.get("origin");
      if (origin === null || origins.has(origin) || isOwn(origin, request)) return;
      throw new Problem(
        "origin-not-allowed",
        "Pages of this origin may not change anything here: add it to cors in the policy file",
      );
    },
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

/** This server's own pages. Without ports: proxies leave them out of Host. */
function isOwn(origin: string, request: HttpRequest): boolean {
  const host = request.headers.get("host") ?? "";
  const own = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
  return own !== "" && URL.canParse(origin) && new URL(origin).hostname === own;
}

/** An answer depends on all that either says it does. */
function join(
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const joined = { ...headers, ...more };
  const [vary, moreVary] = [headers["vary"], more["vary"]];
  if (vary !== undefined && moreVary !== undefined) joined["vary"] = `${vary}, ${moreVary}`;
  return joined;
}
