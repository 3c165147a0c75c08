/**
 * The listener for calls between processes: its own port, on an internal address (127.0.0.1 by
 * default), never the public one. Every call is signed.
 */

import { Problem, type ProblemCode, type Route, toResponse } from "@ovation/protocol";
import type { LinkEndState } from "../links/intake.ts";
import type { LinkReceiver } from "../links/receiver.ts";
import { RetiredListeners } from "./retired-listeners.ts";
import { RefusedCall } from "./route.ts";

export interface InternalTlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

export interface InternalListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** On frontends. */
  readonly link?: LinkReceiver;
  /** PEM texts. With `ca`, callers must show a certificate that it signed: mutual TLS. */
  readonly tls?: InternalTlsTexts;
  onFailure(what: string, error: unknown): void;
  /** A call was refused. For the log: it holds no secret. */
  onRefused?(call: {
    readonly path: string;
    readonly address: string;
    readonly answer: string;
    readonly reason: string;
  }): void;
}

/** Without the codes that concern this process, not the call. */
const REFUSALS: ReadonlySet<ProblemCode> = new Set([
  "token-invalid",
  "invalid-body",
  "body-too-large",
  "clock-apart",
]);

export interface InternalListener {
  readonly port: number;
  /** For other processes, if `host` is an address that they can reach. */
  readonly url: string;
  /** For new connections; open ones keep the old certificate. */
  renew(tls: InternalTlsTexts): void;
  stop(): Promise<void>;
}

/** The largest body of a route; each has its own, lower bound. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Connections stay open between calls; the longest pause is a peer's poll of viewers. */
const IDLE_SECONDS = 60;

export function listenInternal(options: InternalListenerOptions): InternalListener {
  const { link, tls } = options;
  const handlers = new Map(options.routes.map((route) => [`${route.method} ${route.path}`, route]));

  async function handle(
    request: Request,
    server: Bun.Server<LinkEndState>,
  ): Promise<Response | undefined> {
    const path = new URL(request.url).pathname;
    try {
      if (link !== undefined && path === link.path) return link.upgrade(request, server);
      const route = handlers.get(`${request.method} ${path}`);
      if (route === undefined) return new Problem("not-found").toResponse();
      const answer = await route.handle(request, {
        params: {},
        address: server.requestIP(request)?.address ?? "",
      });
      return toResponse(answer);
    } catch (error) {
      if (error instanceof Problem) {
        const address = server.requestIP(request)?.address ?? "";
        if (REFUSALS.has(error.code)) {
          const reason = error instanceof RefusedCall ? error.reason : error.code;
          options.onRefused?.({ path, address, answer: error.message, reason });
        }
        return error.toResponse();
      }
      options.onFailure(`internal call ${path}`, error);
      return new Problem("internal-error").toResponse();
    }
  }

  const open = (port: number, secured: InternalTlsTexts | undefined) =>
    Bun.serve<LinkEndState>({
      hostname: options.host,
      port,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: BODY_BYTES_MAX,
      fetch: handle,
      websocket: link?.websocket ?? { message: (socket) => socket.close() },
      ...(secured === undefined ? {} : { tls: tlsOf(secured), reusePort: true }),
    });
  // With `reusePort` the listener would not detect that another program has the port.
  if (tls !== undefined && options.port !== 0) void open(options.port, undefined).stop(true);
  let server = open(options.port, tls);
  const retired = new RetiredListeners<Bun.Server<LinkEndState>>();
  const port = server.port ?? options.port;
  const scheme = tls === undefined ? "http" : "https";
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    port,
    url: `${scheme}://${host}:${port}`,
    renew(renewed) {
      const before = server;
      server = open(port, renewed);
      retired.add(before);
    },
    async stop() {
      link?.close();
      await Promise.all([server, ...retired.all].map((each) => each.stop(true)));
    },
  };
}

function tlsOf({ cert, key, ca }: InternalTlsTexts) {
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
  };
}
