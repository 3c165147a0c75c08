/**
 * The listener with a certificate: Bun's server, HTTP/1.1 and HTTP/2 over TLS and HTTP/3 over QUIC,
 * on one port.
 */

import { readFileSync } from "node:fs";
import { RetiredListeners } from "@ovation/dispatcher";
import { BODY_BYTES_MAX, STOP_MS_MAX } from "@ovation/http";
import { type ByteWriter, Problem, StreamAnswer, toResponse } from "@ovation/protocol";
import type { Logger } from "pino";
import type { Change } from "../reload/reloads.ts";
import type { Answer } from "./answering.ts";
import { ensurePortFree } from "./port-free.ts";

export interface TlsListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  /** PEM files. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly answer: Answer;
  readonly logger: Logger;
}

export interface TlsListener {
  readonly port: number | undefined;
  /** Reads the files again. Applied, new connections see the certificate; open ones stay. */
  renew(tls: TlsListenerOptions["tls"]): Change | undefined;
  stop(now: boolean): Promise<void>;
}

/**
 * A request whose body does not come, and a connection without one, is cut after this; streams are
 * kept open.
 */
const IDLE_TIMEOUT_SECONDS = 30;
const SWEEP_MS = 100;

export function listenTls(options: TlsListenerOptions): TlsListener {
  if (!options.reusePort) ensurePortFree(options.port, options.host);
  let pem = readPem(options.tls);
  let server = open(options, options.port, pem, "tcp");
  const retired = new RetiredListeners<Bun.Server<undefined>>();
  const port = server.port ?? options.port;
  let quic = open(options, port, pem, "quic");
  return {
    port,
    renew(tls) {
      const renewed = readPem(tls);
      if (renewed.cert === pem.cert && renewed.key === pem.key) return undefined;
      return {
        what: ["the certificate"],
        apply() {
          const before = server;
          server = open(options, port, renewed, "tcp");
          pem = renewed;
          retired.add(before);
          // The kernel gives packets of a QUIC connection to either of two sockets at the port, so
          // an old connection would fall silent. Its client is told of the end, and returns.
          void quic.stop(true);
          quic = open(options, port, renewed, "quic");
        },
      };
    },
    async stop(now) {
      await Promise.all([server, quic, ...retired.all].map((each) => stop(each, now)));
    },
  };
}

interface Pem {
  readonly cert: string;
  readonly key: string;
}

function readPem({ cert, key }: TlsListenerOptions["tls"]): Pem {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

/** How long a client may remember that HTTP/3 is at this port. */
const ALT_SVC_SECONDS = 86_400;

/** The port is shared: the listener with the next certificate opens before this one closes. */
function open(
  options: TlsListenerOptions,
  port: number,
  { cert, key }: Pem,
  over: "tcp" | "quic",
): Bun.Server<undefined> {
  const server = Bun.serve({
    port,
    hostname: options.host,
    reusePort: true,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: BODY_BYTES_MAX,
    tls: { cert, key },
    ...(over === "tcp" ? { http2: true } : { http1: false, http3: true }),
    fetch: async (request, bun) => {
      const answer = await options.answer(withHost(request), {
        path: pathOf(request.url),
        peer: bun.requestIP(request)?.address ?? "",
      });
      const isStream = answer instanceof StreamAnswer;
      if (isStream) bun.timeout(request, 0);
      const response = isStream ? directStream(answer) : toResponse(answer);
      // [spec] RFC 9114, 3.1.1: how a client learns of HTTP/3.
      response.headers.set("alt-svc", `h3=":${server.port}"; ma=${ALT_SVC_SECONDS}`);
      return response;
    },
    // Bun's own pages for errors are for developers; here they are logged and answered.
    development: false,
    error(error) {
      options.logger.error({ error }, "a request failed outside its handler");
      return new Problem("internal-error").toResponse();
    },
  });
  return server;
}

/** [spec] RFC 9112, 3.2: a client of HTTP/1.0 may name no host. Bun then says the target alone. */
function withHost(request: Request): Request {
  return request.url.startsWith("/")
    ? new Request(`https://localhost${request.url}`, request)
    : request;
}

/**
 * Of an absolute URL, and of a bare target, which is what there is where the client named no host.
 */
function pathOf(url: string): string {
  const scheme = url.indexOf("://");
  const from = url.startsWith("/") ? 0 : url.indexOf("/", scheme < 0 ? 0 : scheme + 3);
  const query = url.indexOf("?", Math.max(from, 0));
  return url.slice(Math.max(from, 0), query < 0 ? url.length : query) || "/";
}

async function stop(server: Bun.Server<undefined>, now: boolean): Promise<void> {
  if (now) return server.stop(true);
  const stopped = server.stop(false);
  // A connection that only waits for its next request would be waited for as long as it may be
  // idle.
  const sweeping = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  server.closeIdleConnections();
  const overdue = setTimeout(() => void server.stop(true), STOP_MS_MAX);
  await stopped;
  clearInterval(sweeping);
  clearTimeout(overdue);
}

/** Bun's controller of a direct stream. What we rely on in it is held by `listener-tls.test.ts`. */
interface DirectController {
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
  end(): unknown;
  close(error: Error): unknown;
}

/**
 * The controller goes to `pull`, and the stream lasts as long as the promise that `pull` returns.
 */
interface DirectSource {
  readonly type: "direct";
  pull(controller: DirectController): Promise<void>;
  cancel(): void;
}

/** One promise for all streams: they end by `end()` or with their connection. */
const forever = new Promise<void>(() => {});

function directStream({ headers, source }: StreamAnswer): Response {
  const direct: DirectSource = {
    type: "direct",
    pull(controller) {
      source.start(new DirectWriter(controller));
      return forever;
    },
    cancel: () => source.cancel(),
  };
  return new Response(new ReadableStream(direct as unknown as UnderlyingDefaultSource), {
    headers,
  });
}

class DirectWriter implements ByteWriter {
  readonly #controller: DirectController;

  constructor(controller: DirectController) {
    this.#controller = controller;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    const written = this.#controller.write(bytes);
    const flushed = this.#controller.flush();
    return typeof written === "number" ? flushed : written;
  }

  end(): void {
    this.#controller.end();
  }

  cut(): void {
    this.#controller.close(new Error("cut"));
  }
}
