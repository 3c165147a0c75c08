/**
 * A small SSE server with enough of Ovation's contract to be loaded: the floor "Bun and nothing
 * else" of the benchmarks, and the tests' means to inject faults that the load generator must find.
 *
 *     sh ovation/bin/bun load/testing/reference-server.ts --port 0
 *
 * prints the port.
 */
import { parseArgs } from "node:util";

/**
 * The faults to inject: on which of its connections (0, 1, …) and events, counted from 1 for the
 * server.
 */
export interface Plant {
  readonly connection: number;
  readonly event: number;
  readonly fault: "drop" | "repeat" | "swap" | "wrong-topic" | "announced-drop" | "close" | "split";
}

export interface ReferenceOptions {
  readonly port?: number;
  readonly plants?: readonly Plant[];
  /** Refuse the first connections, this many, with a 503. */
  readonly refuse?: number;
  /** Tell the next ones to return later: 200, `retry:`, a clean end. */
  readonly shed?: number;
  /** Refuse every publish. */
  readonly refusePublish?: boolean;
}

interface Viewer {
  readonly number: number;
  readonly topics: ReadonlySet<string>;
  readonly zstd: boolean;
  readonly controller: ReadableStreamDirectController;
  /** An event that waits until after the next one. */
  held: string | undefined;
  /** The second half of an event, which comes with the next one. */
  owed: string | undefined;
  close(): void;
}

const encoder = new TextEncoder();

export function startReferenceServer(options: ReferenceOptions = {}): {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
} {
  const viewers = new Set<Viewer>();
  const history: { readonly topic: string; readonly frame: string }[] = [];
  const plants = options.plants ?? [];
  let opened = 0;
  let refuse = options.refuse ?? 0;
  let shed = options.shed ?? 0;
  let published = 0;

  function write(viewer: Viewer, text: string): void {
    viewer.controller.write(viewer.zstd ? Bun.zstdCompressSync(text) : text);
    void viewer.controller.flush();
  }

  function broadcast(topic: string, frame: string): void {
    // The bytes that most connections get, encoded once.
    const plain = encoder.encode(frame);
    let zstd: Uint8Array | undefined;
    for (const viewer of viewers) {
      const plant = plants.find(
        (each) => each.connection === viewer.number && each.event === published,
      );
      if (plant === undefined && viewer.held === undefined && viewer.owed === undefined) {
        if (!viewer.topics.has(topic)) continue;
        if (viewer.zstd) zstd ??= Bun.zstdCompressSync(plain);
        viewer.controller.write(viewer.zstd && zstd !== undefined ? zstd : plain);
        void viewer.controller.flush();
      } else {
        misbehave(viewer, plant, topic, frame);
      }
    }
  }

  function misbehave(viewer: Viewer, plant: Plant | undefined, topic: string, frame: string): void {
    if (plant?.fault === "wrong-topic") write(viewer, frame);
    if (!viewer.topics.has(topic)) return;
    const held = viewer.held ?? "";
    const owed = viewer.owed ?? "";
    viewer.held = undefined;
    viewer.owed = undefined;
    if (plant?.fault === "drop") return;
    if (plant?.fault === "swap") {
      viewer.held = frame;
    } else if (plant?.fault === "announced-drop") {
      write(
        viewer,
        `event: gap\ndata: {"topic":"${topic}","at":0,"data":{"lost":1,"reason":"slow"}}\n\n`,
      );
    } else if (plant?.fault === "close") {
      // Removed at once: a later event of the same request must not reach it.
      viewers.delete(viewer);
      viewer.close();
    } else if (plant?.fault === "split") {
      write(viewer, frame.slice(0, 40));
      viewer.owed = frame.slice(40);
    } else {
      write(viewer, owed + frame + held + (plant?.fault === "repeat" ? frame : ""));
    }
  }

  function connect(request: Request, url: URL): Response {
    const number = opened++;
    if (refuse > 0) {
      refuse--;
      return new Response("busy", { status: 503, headers: { "retry-after": "0" } });
    }
    if (shed > 0) {
      shed--;
      return new Response("retry: 50\n\n", { headers: { "content-type": "text/event-stream" } });
    }
    const topics = new Set(url.searchParams.getAll("topic"));
    const zstd = /\bzstd\b/.test(request.headers.get("accept-encoding") ?? "");
    const position = request.headers.get("last-event-id");
    const source = {
      type: "direct",
      async pull(controller: ReadableStreamDirectController) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const viewer: Viewer = {
          number,
          topics,
          zstd,
          controller,
          held: undefined,
          owed: undefined,
          close: resolve,
        };
        viewers.add(viewer);
        request.signal.addEventListener("abort", () => resolve());
        let first =
          `id: ${history.length}\nevent: connection\ndata: ` + `{"connectionId":"${number}"}\n\n`;
        if (position !== null) {
          for (const entry of history.slice(Number(position)))
            if (topics.has(entry.topic)) first += entry.frame;
        }
        write(viewer, first);
        await promise;
        viewers.delete(viewer);
        await controller.end();
      },
    };
    // Bun's direct streams are not in the DOM's types.
    const body = new ReadableStream(source as unknown as UnderlyingDefaultSource);
    const headers: Record<string, string> = {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
    };
    if (zstd) headers["content-encoding"] = "zstd";
    return new Response(body, { headers });
  }

  async function publish(request: Request): Promise<Response> {
    if (options.refusePublish === true) return new Response("no", { status: 403 });
    const lines = (await request.text()).split("\n");
    for (const line of lines) {
      const event: { topic: string; type: string; data: unknown; durable?: boolean } =
        JSON.parse(line);
      published++;
      const envelope = JSON.stringify({ topic: event.topic, at: Date.now(), data: event.data });
      const frame =
        `id: ${history.length + (event.durable === true ? 1 : 0)}\nevent: ` +
        `${event.type}\ndata: ${envelope}\n\n`;
      if (event.durable === true) history.push({ topic: event.topic, frame });
      broadcast(event.topic, frame);
    }
    return Response.json({ accepted: lines.length }, { status: 202 });
  }

  const server = Bun.serve({
    port: options.port ?? 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch(request) {
      const url = new URL(request.url);
      if (url.pathname === "/v1/events") return connect(request, url);
      if (url.pathname === "/v1/publish") return publish(request);
      return new Response("ready", { status: url.pathname === "/readyz" ? 200 : 404 });
    },
  });
  const port = server.port ?? 0;
  return { url: `http://127.0.0.1:${port}`, port, stop: () => server.stop(true) };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
  console.log(startReferenceServer({ port: Number(values.port) }).port);
}
