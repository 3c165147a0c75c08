/** Which sites' pages may call: [spec] Fetch, CORS protocol. Tokens are not cookies, so nothing comes with a browser by itself. */

import { type HttpRequest, type RouteAnswer, SourceAnswer, TextAnswer } from "@ovation/protocol";

export interface Cors {
  /** The answer, with what the page of the request's origin needs to read it. */
  finish(request: HttpRequest, answer: RouteAnswer): RouteAnswer;
  preflight(request: HttpRequest): RouteAnswer;
}

/** `*` among the origins means any. */
export function createCors(allowed: readonly string[]): Cors {
  const any = allowed.includes("*");
  const origins = new Set(allowed);

  function finish(request: HttpRequest, answer: RouteAnswer): RouteAnswer {
    const origin = request.headers.get("origin");
    if (origin === null) return answer;
    if (answer instanceof TextAnswer)
      return new TextAnswer(answer.body, answer.status, {
        ...answer.headers,
        ...headersFor(origin),
      });
    if (answer instanceof SourceAnswer) {
      const { vary, ...more } = headersFor(origin);
      const both = [answer.headers["vary"], vary].filter(Boolean).join(", ");
      return answer.withHeaders(both === "" ? more : { ...more, vary: both });
    }
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
