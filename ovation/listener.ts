/**
 * The listener: one port for the routes of all the roles that a process has. Here a thrown Problem
 * becomes an answer, CORS headers are added, and a method or path that does not exist gets its code.
 */

import { chmodSync } from "node:fs";
import { Problem, type ProblemCode, type Route, type RouteContext } from "@ovation/protocol";
import type { Logger } from "pino";
import { endHalfOpenAfter } from "./half-open.ts";
import { ADDRESS_HEADER } from "./roles/pass-on.ts";

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly routes: readonly Route[];
  readonly logger: Logger;
  /** The client's address, by the headers of trusted proxies. Default: the peer's. */
  addressOf?(request: Request, peer: string): string;
  /** Origins that browsers may call from; `*` for any. Tokens are not cookies, so any is the default. */
  readonly corsOrigins?: readonly string[];
  /** Several processes listen on the same port; the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** How long a viewer may take no bytes; one whose packets vanish is found soon after. */
  readonly stuckMs?: number;
  /** A request was answered with a problem. */
  onProblem?(code: ProblemCode): void;
  /** Answers what no route does; without it that is `not-found`. */
  fallback?(request: Request, address: string): Promise<Response>;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** No new connections; resolves when the requests under way are answered, but not later than STOP_MS_MAX; at once with `now`. */
  stop(now: boolean): Promise<void>;
}

/**
 * A request whose body does not come, and a connection without one, is cut after this; streams are kept
 * open by their routes. A request line and headers have 10 to 12 seconds in all, however many bytes of
 * them trickle in: that is Bun's own and fixed. Both are held by `http/hostile-clients.test.ts`.
 */
const IDLE_TIMEOUT_SECONDS = 30;
const STUCK_MS_DEFAULT = 30_000;
/** Longer than the frontend waits with a viewer that is there and does not read: that one it cuts itself. */
const HALF_OPEN_FACTOR = 2;
/** What is under way when the listener stops has this long. */
const STOP_MS_MAX = 5000;
const SWEEP_MS = 100;
/** Bodies are bounded by the routes; this bounds what no route reads. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

type Handler = (request: Bun.BunRequest, server: Bun.Server<undefined>) => Promise<Response>;
type Methods = Partial<Record<"GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS", Handler>>;

export function listen(options: ListenOptions): Listener {
  const cors = corsHeaders(options.corsOrigins ?? ["*"]);
  const server = Bun.serve({
    port: options.port,
    hostname: options.host,
    reusePort: options.reusePort ?? false,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: BODY_BYTES_MAX,
    routes: toBunRoutes(options, cors),
    fetch: (request, bun) => fallBack(request, bun, options, cors),
    // Bun's own pages for errors are for developers; here they are logged and answered.
    development: false,
    error(error) {
      options.logger.error({ error }, "a request failed outside its handler");
      return new Problem("internal-error").toResponse();
    },
    ...(options.tls === undefined
      ? {}
      : { tls: { cert: Bun.file(options.tls.cert), key: Bun.file(options.tls.key) }, http2: true, http3: true }),
  });
  endHalfOpenAfter((options.stuckMs ?? STUCK_MS_DEFAULT) * HALF_OPEN_FACTOR);
  const scheme = options.tls === undefined ? "http" : "https";
  const name = options.host === "0.0.0.0" || options.host === "::" ? "localhost" : options.host;
  return {
    port: server.port ?? options.port,
    url: `${scheme}://${name}:${server.port}`,
    stop: (now) => stop(server, now),
  };
}

export interface ListenUnixOptions {
  readonly socket: string;
  readonly routes: readonly Route[];
  readonly logger: Logger;
  onProblem?(code: ProblemCode): void;
}

/** The same on a Unix socket, for processes of the same installation, which say whom they ask for. */
export function listenUnix({ socket, ...given }: ListenUnixOptions): Pick<Listener, "stop"> {
  const cors = corsHeaders(["*"]);
  const options = { ...given, port: 0, host: "", addressOf: (request: Request) => request.headers.get(ADDRESS_HEADER) ?? "" };
  const server = Bun.serve({
    unix: socket,
    maxRequestBodySize: BODY_BYTES_MAX,
    development: false,
    routes: toBunRoutes(options, cors),
    fetch: (request, bun) => fallBack(request, bun, options, cors),
  });
  chmodSync(socket, 0o600);
  return { stop: (now) => stop(server, now) };
}

async function stop(server: Bun.Server<undefined>, now: boolean): Promise<void> {
  if (now) return server.stop(true);
  const stopped = server.stop(false);
  // A connection that only waits for its next request would be waited for as long as it may be idle.
  const sweeping = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  server.closeIdleConnections();
  const overdue = setTimeout(() => void server.stop(true), STOP_MS_MAX);
  await stopped;
  clearInterval(sweeping);
  clearTimeout(overdue);
}

async function fallBack(request: Request, server: Bun.Server<undefined>, options: ListenOptions, cors: Cors): Promise<Response> {
  if (request.method === "OPTIONS") return preflight(request, cors);
  try {
    if (options.fallback === undefined) throw new Problem("not-found");
    return finish(request, await options.fallback(request, addressOf(request, server, options)), cors);
  } catch (error) {
    return finish(request, explain(error, request, options), cors);
  }
}

function addressOf(request: Request, server: Bun.Server<undefined>, options: ListenOptions): string {
  const peer = server.requestIP(request)?.address ?? "";
  return options.addressOf === undefined ? peer : options.addressOf(request, peer);
}

/** The answer to a request whose handler threw. */
function explain(error: unknown, request: Request, { logger, onProblem }: ListenOptions, headers: Record<string, string> = {}): Response {
  let problem: Problem;
  if (error instanceof Problem) problem = error;
  // [spec] RFC 9112, 3.2: a server MUST respond with 400 to a request with an invalid Host. Such a request
  // has no URL, and every handler that looks at it throws.
  else if (!URL.canParse(request.url)) problem = new Problem("invalid-parameter", "send a Host header that names a host");
  else if (request.signal.aborted) {
    // Gone, or too slow, in the middle of its body: nobody reads this answer, and the log is not for that.
    problem = new Problem("invalid-body", "the body did not come");
  } else {
    // The path without its query: tokens may be in there.
    logger.error({ error, method: request.method, path: new URL(request.url).pathname }, "a handler failed");
    problem = new Problem("internal-error");
  }
  onProblem?.(problem.code);
  return problem.toResponse(headers);
}

function toBunRoutes(options: ListenOptions, cors: Cors): Record<string, Methods> {
  const paths: Record<string, Methods> = {};
  for (const route of options.routes) {
    paths[route.path] ??= {};
    const methods = paths[route.path] as Methods;
    if (methods[route.method] !== undefined) throw new Error(`two routes for ${route.method} ${route.path}`);
    methods[route.method] = toHandler(route, options, cors);
  }
  for (const [path, methods] of Object.entries(paths)) {
    const allow = Object.keys(methods).join(", ");
    methods.OPTIONS = async (request) => preflight(request, cors);
    for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"] as const) {
      methods[method] ??= async (request) =>
        finish(request, explain(new Problem("method-not-allowed", `${path} takes ${allow}`), request, options, { allow }), cors);
    }
    // A HEAD of a stream would never end; elsewhere it is a GET whose body the server leaves out.
    if (allow.includes("GET") && methods.GET !== undefined) {
      methods.HEAD = path === "/v1/events" ? async () => new Response(null, { status: 405, headers: { allow } }) : methods.GET;
    }
  }
  return paths;
}

function toHandler(route: Route, options: ListenOptions, cors: Cors): Handler {
  return async (request, server) => {
    const context: RouteContext = {
      params: request.params as Record<string, string>,
      address: addressOf(request, server, options),
      keepOpen: () => server.timeout(request, 0),
    };
    try {
      return finish(request, await route.handle(request, context), cors);
    } catch (error) {
      return finish(request, explain(error, request, options), cors);
    }
  };
}

interface Cors {
  readonly any: boolean;
  readonly origins: ReadonlySet<string>;
}

function corsHeaders(origins: readonly string[]): Cors {
  return { any: origins.includes("*"), origins: new Set(origins) };
}

function finish(request: Request, response: Response, cors: Cors): Response {
  const origin = request.headers.get("origin");
  if (origin === null) return response;
  if (cors.any) response.headers.set("access-control-allow-origin", "*");
  else {
    response.headers.append("vary", "origin");
    if (!cors.origins.has(origin)) return response;
    response.headers.set("access-control-allow-origin", origin);
  }
  response.headers.set("access-control-expose-headers", "retry-after");
  return response;
}

function preflight(request: Request, cors: Cors): Response {
  return finish(
    request,
    new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-methods": "GET, POST, PUT, DELETE, PATCH",
        "access-control-allow-headers": "authorization, content-type, last-event-id",
        "access-control-max-age": "86400",
      },
    }),
    cors,
  );
}
