/** The model server on a socket: real requests, real streams, and a script of faults. */

import { formatComment, formatFrame } from "@ovation/protocol";
import { ModelServer } from "./model-server.ts";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly url: URL;
  readonly token: string | null;
  readonly body: Record<string, unknown>;
  readonly at: number;
}

export interface FakeServer {
  readonly url: string;
  readonly model: ModelServer;
  readonly requests: SeenRequest[];
  /** Knows `events=message`; false: an earlier server. */
  hasMessages: boolean;
  /** Responds in place of the model where it returns something. */
  script: (request: SeenRequest) => Response | Promise<Response> | undefined;
  /** Breaks every connection, as a process that dies and restarts. */
  cut(): void;
  /** Writes raw text to every stream. */
  write(text: string): void;
  stop(): Promise<void>;
}

export function problem(
  status: number,
  code: string,
  extra: Record<string, unknown> = {},
): Response {
  return Response.json(
    { status, code, detail: code, ...extra },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}

export function startFakeServer(): FakeServer {
  const model = new ModelServer();
  const requests: SeenRequest[] = [];
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  const keys = new Map<string, unknown>();

  function write(text: string): void {
    for (const stream of streams) stream.enqueue(encoder.encode(text));
  }

  function events(seen: SeenRequest, header: string | null): Response {
    let forget = () => {};
    const format =
      fake.hasMessages && seen.url.searchParams.get("events") === "message"
        ? (id: string, type: string, data: string) =>
            `id: ${id}\ndata: {"type":"${type}",${data.slice(1)}\n\n`
        : formatFrame;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.add(controller);
        controller.enqueue(encoder.encode(formatComment("hello")));
        const connection = model.connect(
          seen.url,
          seen.url.searchParams.get("last_event_id") ?? header,
          ({ lastEventId, type, data }) =>
            controller.enqueue(encoder.encode(format(lastEventId, type, data))),
          () => {
            forget();
            controller.close();
          },
        );
        forget = () => {
          streams.delete(controller);
          model.connections.delete(connection.id);
        };
      },
      cancel: () => forget(),
    });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "access-control-allow-origin": "*",
      },
    });
  }

  function answer(seen: SeenRequest): Response {
    const connection = /^\/v1\/connections\/([^/]+)\/subscriptions$/.exec(seen.path)?.[1];
    if (connection !== undefined) {
      const results = model.change(
        decodeURIComponent(connection),
        seen.method,
        seen.body["topics"] as string[],
      );
      return results === undefined ? problem(412, "unknown-connection") : Response.json(results);
    }
    const video = /^\/v1\/videos\/([^/]+)\/(comments|likes)$/.exec(seen.path);
    if (video?.[2] === "comments" && seen.method === "POST") {
      const key = `${video[1]}/${seen.body["clientId"]}`;
      if (!keys.has(key)) {
        const { seq, at, data } = model.publish(`video:${video[1]}`, "comment", {
          text: String(seen.body["text"]),
          author: { id: "a" },
        });
        keys.set(key, { seq, at, ...(data as object) });
      }
      return Response.json(keys.get(key), { status: 201 });
    }
    if (video?.[2] === "likes")
      return Response.json({ accepted: seen.body["count"] }, { status: 202 });
    if (seen.path === "/v1/guests")
      return Response.json(
        { token: "guest-token", member: { id: "g1", name: seen.body["name"] } },
        { status: 201 },
      );
    return problem(404, "not-found");
  }

  const serve = (port: number) =>
    Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch(request) {
        const url = new URL(request.url);
        const text = request.method === "GET" ? "" : await request.text();
        const seen: SeenRequest = {
          method: request.method,
          path: url.pathname,
          url,
          token:
            request.headers.get("authorization")?.slice("Bearer ".length) ??
            url.searchParams.get("access_token"),
          body: text === "" ? {} : JSON.parse(text),
          at: performance.now(),
        };
        requests.push(seen);
        const scripted = await fake.script(seen);
        if (scripted !== undefined) return scripted;
        return url.pathname === "/v1/events"
          ? events(seen, request.headers.get("last-event-id"))
          : answer(seen);
      },
    });

  let server = serve(0);
  const port = server.port ?? 0;
  const fake: FakeServer = {
    url: `http://127.0.0.1:${port}`,
    model,
    requests,
    hasMessages: true,
    script: () => undefined,
    write,
    cut() {
      void server.stop(true);
      streams.clear();
      model.connections.clear();
      server = serve(port);
    },
    stop: () => server.stop(true),
  };
  return fake;
}
