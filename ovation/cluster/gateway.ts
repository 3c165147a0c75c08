/**
 * One door to a local cluster: what nginx or HAProxy do in earnest (`deploy/`), in a few lines, so
 * that the pages and the demo have one address. Streams to frontends, publishing to dispatchers,
 * the rest to comments.
 */

import type { Datacenter } from "./local-cluster.ts";

export interface Gateway {
  readonly url: string;
  stop(): Promise<void>;
}

/** Headers of one connection, not of the message. */
const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "upgrade", "host"];

export function startGateway(datacenter: Datacenter, port: number): Gateway {
  let turn = 0;
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const running = pool(datacenter, url.pathname).filter((process) => process.running);
      const headers = new Headers(request.headers);
      for (const name of HOP_BY_HOP) headers.delete(name);
      const body =
        request.method === "GET" || request.method === "HEAD"
          ? undefined
          : await request.arrayBuffer();
      for (let attempt = 0; attempt < running.length; attempt++) {
        const target = running[turn++ % running.length];
        try {
          const response = await fetch(`${target?.url}${url.pathname}${url.search}`, {
            method: request.method,
            headers,
            redirect: "manual",
            decompress: false,
            signal: request.signal,
            ...(body === undefined ? {} : { body }),
          });
          return new Response(
            response.body === null ? null : (untilItEnds(response.body) as unknown as BodyInit),
            {
              status: response.status,
              headers: response.headers,
            },
          );
        } catch (error) {
          // That one does not answer: the next one is asked, as a load balancer does. Not with a
          // POST that may have been carried out: only its sender knows whether it may be sent
          // again.
          if (body !== undefined && (error as NodeJS.ErrnoException).code !== "ECONNREFUSED") break;
        }
      }
      return new Response("no process answers", { status: 502 });
    },
  });
  return { url: `http://localhost:${server.port}`, stop: () => server.stop(true) };
}

/** A process that dies ends the stream; its client reconnects. */
async function* untilItEnds(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body as unknown as AsyncIterable<Uint8Array>;
  } catch {
    // Cut off: the viewer's side ends as well, which is all that a door can say.
  }
}

function pool({ frontends, dispatchers, comments }: Datacenter, path: string) {
  if (path === "/v1/events" || path.startsWith("/v1/connections/")) return frontends;
  return path === "/v1/publish" ? dispatchers : comments;
}
