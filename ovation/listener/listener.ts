/**
 * The listener: one port for the routes of all the roles that a process has. Plain text is HTTP/1.1
 * by our own server, on raw sockets (`http/`): tens of thousands of streams are what it is made
 * for. With a certificate it is Bun's, which speaks HTTP/1.1, 2 and 3 on one port. The routes are
 * the same.
 */

import { chmodSync } from "node:fs";
import { type CutReason, HttpServer } from "@ovation/http";
import type { AddressPools, HttpRequest, Route } from "@ovation/protocol";
import type { SettingsReloads } from "../settings/settings.ts";
import { type Answer, type AnsweringOptions, createAnswer, type ProblemPage } from "./answering.ts";
import { ADDRESS_HEADER } from "./client-address.ts";
import { endHalfOpenAfter } from "./half-open.ts";
import { listenTls, type TlsListener, type TlsListenerOptions } from "./listener-tls.ts";
import { descriptorsMax } from "./open-descriptors.ts";

/** What a plain listener tells beside its answers. */
interface Told {
  /** A connection was ended without its asking. */
  onCut?(reason: CutReason): void;
}

export interface ListenOptions extends AnsweringOptions, Told {
  readonly port: number;
  readonly host: string;
  /** Several processes listen on the same port; the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** What reads the files of `tls` again. */
  readonly reloads?: SettingsReloads;
  /**
   * How long a kept connection may wait for its next request; with a certificate that is the
   * runtime's.
   */
  readonly idleMs?: number;
  /** Shares per address, over all workers where there are some. */
  readonly pools?: AddressPools;
  /** Off: no limits per address. */
  readonly rateLimits?: boolean;
  /** How long a viewer may take no bytes; one whose packets vanish is found soon after. */
  readonly stuckMs?: number;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** From now on these, in place of the routes that it was opened with and their fallback. */
  serve(routes: readonly Route[], problemPage?: ProblemPage): void;
  /**
   * No new connections; resolves when the requests in flight have responses, but not later than
   * STOP_MS_MAX; at once with `now`.
   */
  stop(now: boolean): Promise<void>;
}

/**
 * Of the files that the process may open, sockets of clients take this share at most, and leave so
 * many for the log, links and the runtime.
 */
const SOCKETS_SHARE = 0.95;
const FILES_RESERVED = 64;
const STUCK_MS_DEFAULT = 30_000;
/**
 * Longer than the frontend waits with a viewer that is there and does not read: that one it cuts
 * itself.
 */
const HALF_OPEN_FACTOR = 2;

export function listen(options: ListenOptions): Listener {
  const { host, reusePort = false, tls } = options;
  const { fallback: _, ...common } = options;
  let current = createAnswer(options);
  const answer: Answer = (request, carried) => current(request, carried);
  const server =
    tls === undefined
      ? openHttp({ host, port: options.port, reusePort }, answer, options)
      : openTls({ host, port: options.port, reusePort, tls, answer, logger: options.logger });
  endHalfOpenAfter((options.stuckMs ?? STUCK_MS_DEFAULT) * HALF_OPEN_FACTOR);
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  const port = server.port ?? options.port;
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${name}:${port}`,
    serve(routes, problemPage) {
      current = createAnswer({ ...common, routes, problemPage });
    },
    stop: (now) => server.stop(now),
  };

  function openTls(given: TlsListenerOptions): TlsListener {
    const opened = listenTls(given);
    options.reloads?.add((next) => (next.tls === undefined ? undefined : opened.renew(next.tls)));
    return opened;
  }
}

export interface ListenUnixOptions
  extends Omit<AnsweringOptions, "addressOf" | "cors" | "fallback">,
    Told {
  readonly socket: string;
}

/**
 * The same on a Unix socket, for processes of the same installation, which say whom they ask for.
 */
export function listenUnix({ socket, ...given }: ListenUnixOptions): Pick<Listener, "stop"> {
  const options = {
    ...given,
    addressOf: (request: HttpRequest) => request.headers.get(ADDRESS_HEADER) ?? "unknown",
  };
  const server = openHttp({ unix: socket }, createAnswer(options), options);
  chmodSync(socket, 0o600);
  return server;
}

function openHttp(
  at: ConstructorParameters<typeof HttpServer>[0]["at"],
  answer: Answer,
  options: AnsweringOptions & Told & Pick<ListenOptions, "idleMs" | "pools" | "rateLimits">,
): HttpServer {
  const { logger, onProblem, onCut, idleMs, addressOf, pools, rateLimits } = options;
  const files = descriptorsMax();
  return new HttpServer({
    at,
    handle: (request, { peer }) => answer(request, { path: request.path, peer }),
    onError: (error) => logger.error({ error }, "a request failed outside its handler"),
    onRefused: ({ code }) => onProblem?.(code),
    ...(onCut === undefined ? {} : { onCut }),
    ...(addressOf === undefined ? {} : { addressOf }),
    ...(pools === undefined ? {} : { pools }),
    unlimited: rateLimits === false,
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(files === undefined
      ? {}
      : { socketsMax: Math.max(1, Math.min(files * SOCKETS_SHARE, files - FILES_RESERVED)) }),
  });
}
