/**
 * The listener for calls between processes: its own port, on an internal address (127.0.0.1 unless told
 * otherwise), never the public one. Everything on it is signed.
 */

import { Problem, type ProblemCode, type Route, toResponse } from "@ovation/protocol";
import { RefusedCall } from "./internal-route.ts";
import type { LinkEndState } from "./link-intake.ts";
import type { LinkReceiver } from "./link-receiver.ts";

export interface InternalListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** On frontends. */
  readonly link?: LinkReceiver;
  /** PEM texts. With `ca`, callers must show a certificate that it signed: mutual TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  onFailure(what: string, error: unknown): void;
  /** A call was not one of ours, or not in order: who made it, and what was answered. For the log: it holds no secret. */
  onRefused?(call: {
    readonly path: string;
    readonly address: string;
    readonly answer: string;
    readonly reason: string;
  }): void;
}

/** Not those that say that this process is unwell. */
const REFUSALS: ReadonlySet<ProblemCode> = new Set([
  "token-invalid",
  "invalid-body",
  "body-too-large",
  "clock-apart",
]);

export interface InternalListener {
  readonly port: number;
  /** Where others reach it, if `host` is an address that they can reach. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The largest body of a route; each has its own, lower bound. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Calls keep their connections open in between; the longest pause is a peer's poll of viewers. */
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
        stream() {
          throw new Error("no internal call is a stream");
        },
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

  const server = Bun.serve<LinkEndState>({
    hostname: options.host,
    port: options.port,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: BODY_BYTES_MAX,
    fetch: handle,
    websocket: link?.websocket ?? { message: (socket) => socket.close() },
    ...(tls === undefined
      ? {}
      : {
          tls: {
            cert: tls.cert,
            key: tls.key,
            ...(tls.ca === undefined
              ? {}
              : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
          },
        }),
  });
  const port = server.port ?? options.port;
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`,
    async stop() {
      link?.close();
      await server.stop(true);
    },
  };
}
