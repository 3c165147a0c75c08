/**
 * Passes a request that a worker does not serve itself to the core, over its Unix socket.
 *
 * The runtime allows 256 requests in flight, for all clients. None of them waits for a client: the
 * body is read before, and the response is read whole. Only very long responses are read at the
 * pace of the client, so these are bounded per address and in all.
 */

import {
  type AddressPools,
  type AddressShares,
  type HttpRequest,
  Problem,
  PUBLISHER_BODY_BYTES_MAX,
  type RouteAnswer,
  readBytes,
  SourceAnswer,
} from "@ovation/protocol";
import { z } from "zod";
import type { Failed } from "../health.ts";
import { ADDRESS_HEADER } from "../listener/client-address.ts";

/** Headers of one connection: [spec] RFC 9110, 7.6.1. And encodings that `fetch` has removed. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
];
/** CORS is up to the worker, which has the allowed origins. */
const OWN = ["origin"];

/** Longer responses are read at the pace of the client. */
export const WHOLE_BYTES_MAX = 4 * 1024 * 1024;
/** Long responses in flight: of an address over all workers, and in this process. Beyond: 503. */
export const LONG_PER_ADDRESS_MAX = 8;
export const LONG_MAX = 128;
const RETRY_AFTER_MS = 1000;

export function createCoreProxy(
  socket: string,
  pools: AddressPools,
): (request: HttpRequest, path: string, address: string) => Promise<RouteAnswer> {
  const long = new LongAnswers(pools.shares("passed-on", LONG_PER_ADDRESS_MAX));
  return async (request, path, address) => {
    const { pathname, search } = new URL(request.url);
    // `/v1/../x` and the like: routed here by one path, asked for there by another.
    if (pathname !== path) throw new Problem("not-found");
    const headers = new Headers();
    request.headers.forEach((value, name) => {
      headers.append(name, value);
    });
    for (const name of [...HOP_BY_HOP, ...OWN]) headers.delete(name);
    headers.set(ADDRESS_HEADER, address);
    const body =
      request.method === "GET" || request.method === "HEAD"
        ? undefined
        : await readBytes(request, PUBLISHER_BODY_BYTES_MAX);
    const response = await ask(`http://core${pathname}${search}`, {
      unix: socket,
      method: request.method,
      headers,
      redirect: "manual",
      decompress: false,
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    });
    const { status } = response;
    const length = Number(response.headers.get("content-length") ?? Number.POSITIVE_INFINITY);
    if (request.method === "HEAD" || response.body === null)
      return new Response(null, { status, headers: response.headers });
    if (length > WHOLE_BYTES_MAX) return long.pass(response, address);
    const source = await response.bytes().catch(brokenOff);
    return new SourceAnswer({ status, headers: recordOf(response.headers), source });
  };
}

export const CORE_MS_MAX = 1000;
const Readiness = z.object({
  reasons: z.array(z.object({ check: z.string(), reason: z.string() })),
});

/** What the core says of itself: a worker is as well as the log behind it. */
export async function reasonsOfCore(socket: string): Promise<readonly Failed[]> {
  try {
    const response = await fetch("http://core/readyz", {
      unix: socket,
      signal: AbortSignal.timeout(CORE_MS_MAX),
    });
    const { reasons } = Readiness.parse(await response.json());
    return reasons.map((reason) => ({ ...reason, made: "degraded" }));
  } catch {
    return [{ check: "core", reason: "the core process does not answer", made: "degraded" }];
  }
}

function ask(url: string, init: BunFetchRequestInit): Promise<Response> {
  return fetch(url, init).catch(brokenOff);
}

/** Which it was is the core's to log; the viewer can only try again. */
function brokenOff(): never {
  throw new Problem("bad-gateway", "the core process does not answer", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The server says these itself. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

function recordOf(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !FRAMING.has(name)));
}

class LongAnswers {
  readonly #shares: AddressShares;
  #count = 0;

  constructor(shares: AddressShares) {
    this.#shares = shares;
  }

  pass(response: Response, address: string): Response {
    const reader = response.body?.getReader();
    if (this.#count >= LONG_MAX || reader === undefined || !this.#shares.take(address)) {
      void reader?.cancel().catch(() => {});
      throw new Problem("unavailable", "too many long answers are in flight; read one to its end", {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    this.#count++;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#count--;
      this.#shares.remove(address);
    };
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read().catch((error: unknown) => {
            release();
            throw error;
          });
          if (!done) controller.enqueue(value);
          else {
            release();
            controller.close();
          }
        },
        cancel(reason) {
          release();
          return reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { status: response.status, headers: response.headers });
  }
}
