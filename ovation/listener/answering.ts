/**
 * From a request to its answer, whatever carries it: the route is found, a thrown Problem becomes
 * an answer, CORS headers are added, and a method or path that does not exist gets its code.
 */

import {
  type HttpRequest,
  Problem,
  type ProblemCode,
  type Route,
  type RouteAnswer,
  StreamAnswer,
} from "@ovation/protocol";
import type { Logger } from "pino";
import { type Cors, createCors } from "./cors.ts";
import type { HostCheck } from "./hosts.ts";
import { Router } from "./router.ts";

export interface AnsweringOptions {
  readonly routes: readonly Route[];
  readonly logger: Logger;
  /** The client's address, by the headers of trusted proxies. Default: the peer's. */
  addressOf?(request: HttpRequest, peer: string): string;
  /** Which sites' pages may call. Tokens are not cookies, so any is the default. */
  readonly cors?: Cors;
  /** Throws where the request's `Host` is not one that is answered to; see `hosts.ts`. */
  readonly checkHost?: HostCheck | undefined;
  /** A request was answered with a problem. */
  onProblem?(code: ProblemCode): void;
  /** A page in place of a problem, for a person who opened an address with a browser. */
  readonly problemPage?: ProblemPage | undefined;
  /**
   * Answers what no route does; without it that is `not-found`. `path` is as it was sent, without
   * the query.
   */
  fallback?(request: HttpRequest, path: string, address: string): Promise<RouteAnswer>;
}

/**
 * `undefined` where the problem itself is the answer. `path` is as it was sent, without the query.
 */
export type ProblemPage = (
  problem: Problem,
  request: HttpRequest,
  path: string,
) => Response | undefined;

/** What the carrier of a request knows of it. */
export interface Carried {
  /** As it was sent, without the query. */
  readonly path: string;
  readonly peer: string;
}

/** Never rejects. */
export type Answer = (request: HttpRequest, carried: Carried) => Promise<RouteAnswer>;

export function createAnswer(options: AnsweringOptions): Answer {
  const router = new Router(options.routes);
  const cors = options.cors ?? createCors(["*"]);
  return async (request, carried) => {
    try {
      options.checkHost?.(request, carried.peer);
      if (request.method === "OPTIONS") return cors.preflight(request);
      cors.requireAllowed(request);
      return cors.finish(request, unsniffed(await answer(request, carried, router, options)));
    } catch (error) {
      const problem = toProblem(error, request, carried.path, options);
      const told = tell(problem, options);
      return cors.finish(request, options.problemPage?.(problem, request, carried.path) ?? told);
    }
  };
}

/** No browser guesses what an answer is: text of a viewer's is never a page. */
function unsniffed(answer: RouteAnswer): RouteAnswer {
  if (answer instanceof StreamAnswer)
    return answer.withHeaders({ "x-content-type-options": "nosniff" });
  if (answer instanceof Response) answer.headers.set("x-content-type-options", "nosniff");
  return answer;
}

/** Others are not of this API, and so is whatever they ask for. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]);

function answer(
  request: HttpRequest,
  carried: Carried,
  router: Router,
  options: AnsweringOptions,
): RouteAnswer | Promise<RouteAnswer> {
  const { path, peer } = carried;
  const { method } = request;
  const address = options.addressOf === undefined ? peer : options.addressOf(request, peer);
  const found = router.find(path);
  if (found === undefined || !METHODS.has(method)) {
    if (options.fallback === undefined) throw new Problem("not-found");
    return options.fallback(request, path, address);
  }
  const { routes, params } = found;
  const allow = () => [...routes.keys()].join(", ");
  // A HEAD of a stream would never end; elsewhere it is a GET whose body the server leaves out.
  if (method === "HEAD" && path === "/v1/events")
    return new Response(null, { status: 405, headers: { allow: allow() } });
  const route = routes.get(method === "HEAD" ? "GET" : method);
  if (route === undefined)
    return tell(new Problem("method-not-allowed", `${path} takes ${allow()}`), options, {
      allow: allow(),
    });
  return route.handle(request, { params, address });
}

function tell(
  problem: Problem,
  { onProblem }: AnsweringOptions,
  headers: Record<string, string> = {},
): Response {
  onProblem?.(problem.code);
  return problem.toResponse(headers);
}

/** What a handler threw, as the client is told it. */
function toProblem(
  error: unknown,
  request: HttpRequest,
  path: string,
  { logger }: AnsweringOptions,
): Problem {
  if (error instanceof Problem) return error;
  // [spec] RFC 9112, 3.2: a server MUST respond with 400 to a request with an invalid Host. Such a
  // request has no URL, and every handler that looks at it throws.
  if (!URL.canParse(request.url))
    return new Problem("invalid-parameter", "send a Host header that names a host");
  // Gone, or too slow, in the middle of its body: no client reads this response, and the log is not
  // for that.
  if (request.signal.aborted) return new Problem("invalid-body", "the body did not come");
  // The path without its query: tokens may be in there.
  logger.error({ error, method: request.method, path }, "a handler failed");
  return new Problem("internal-error");
}
