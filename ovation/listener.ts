/**
 * The listener: one port for the routes of all the roles that a process has. Here a thrown Problem
 * becomes an answer, CORS headers are added, and a method or path that does not exist gets its code.
 */

import { chmodSync } from "node:fs";
import { Problem, type Route, type RouteContext } from "@ovation/protocol";
import type { Logger } from "pino";
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
  /** Answers what no route does; without it that is `not-found`. */
  fallback?(request: Request, address: string): Promise<Response>;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** No new connections; resolves when those that are open have ended, or at once with `now`. */
  stop(now: boolean): Promise<void>;
}

/** A request that sends nothing for this long is cut; streams are kept open by their routes. */
const IDLE_TIMEOUT_SECONDS = 30;
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
    error(error) {
      options.logger.error({ error }, "a request failed outside its handler");
      return new Problem("internal-error").toResponse();
    },
    ...(options.tls === undefined
      ? {}
      : { tls: { cert: Bun.file(options.tls.cert), key: Bun.file(options.tls.key) }, http2: true, http3: true }),
  });
  const scheme = options.tls === undefined ? "http" : "https";
  const name = options.host === "0.0.0.0" || options.host === "::" ? "localhost" : options.host;
  return {
    port: server.port ?? options.port,
    url: `${scheme}://${name}:${server.port}`,
    stop: (now) => server.stop(now),
  };
}

export interface ListenUnixOptions {
  readonly socket: string;
  readonly routes: readonly Route[];
  readonly logger: Logger;
}

/** The same on a Unix socket, for processes of the same installation, which say whom they ask for. */
export function listenUnix({ socket, routes, logger }: ListenUnixOptions): Pick<Listener, "stop"> {
  const cors = corsHeaders(["*"]);
  const options = { port: 0, host: "", routes, logger, addressOf: (request: Request) => request.headers.get(ADDRESS_HEADER) ?? "" };
  const server = Bun.serve({
    unix: socket,
    maxRequestBodySize: BODY_BYTES_MAX,
    routes: toBunRoutes(options, cors),
    fetch: () => new Problem("not-found").toResponse(),
  });
  chmodSync(socket, 0o600);
  return { stop: (now) => server.stop(now) };
}

async function fallBack(request: Request, server: Bun.Server<undefined>, options: ListenOptions, cors: Cors): Promise<Response> {
  if (request.method === "OPTIONS") return preflight(request, cors);
  if (options.fallback === undefined) return finish(request, new Problem("not-found").toResponse(), cors);
  try {
    return finish(request, await options.fallback(request, server.requestIP(request)?.address ?? ""), cors);
  } catch (error) {
    if (error instanceof Problem) return finish(request, error.toResponse(), cors);
    options.logger.error({ error, method: request.method }, "a fallback failed");
    return finish(request, new Problem("internal-error").toResponse(), cors);
  }
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
        finish(request, new Problem("method-not-allowed", `${path} takes ${allow}`).toResponse({ allow }), cors);
    }
    // A HEAD of a stream would never end; elsewhere it is a GET whose body the server leaves out.
    if (allow.includes("GET") && path !== "/v1/events" && methods.GET !== undefined) methods.HEAD = methods.GET;
  }
  return paths;
}

function toHandler(route: Route, options: ListenOptions, cors: Cors): Handler {
  const { logger, addressOf } = options;
  return async (request, server) => {
    const peer = server.requestIP(request)?.address ?? "";
    const context: RouteContext = {
      params: request.params as Record<string, string>,
      address: addressOf === undefined ? peer : addressOf(request, peer),
      keepOpen: () => server.timeout(request, 0),
    };
    try {
      return finish(request, await route.handle(request, context), cors);
    } catch (error) {
      if (error instanceof Problem) return finish(request, error.toResponse(), cors);
      // The path without its query: tokens may be in there.
      logger.error({ error, method: route.method, path: route.path }, "a handler failed");
      return finish(request, new Problem("internal-error").toResponse(), cors);
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
