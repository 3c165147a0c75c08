/**
 * What the listener with a certificate relies on in the runtime's direct streams, held by tests of
 * its own: an upgrade of Bun that changes one of these is caught here, by name, and not as a riddle
 * in a broadcast. (Bun before 1.4 ignored back-pressure: oven-sh/bun#32469.) That the streams work
 * over TLS is `http/tls.test.ts`.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { settle } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";

const open: { stop(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.stop();
});

/** Bun's controller. */
interface ByteWriter {
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
  end(): unknown;
  close?(error: Error): unknown;
}

interface Streaming {
  readonly port: number;
  readonly writers: ByteWriter[];
  cancelled: number;
}

function serveStreams(): Streaming {
  const writers: ByteWriter[] = [];
  const forever = new Promise<void>(() => {});
  const state: Streaming = { port: 0, writers, cancelled: 0 };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch(request, bun) {
      bun.timeout(request, 0);
      const source = {
        type: "direct",
        pull(controller: ByteWriter) {
          writers.push(controller);
          void controller.write(new TextEncoder().encode("first"));
          return forever;
        },
        cancel() {
          state.cancelled++;
        },
      };
      return new Response(new ReadableStream(source as unknown as UnderlyingDefaultSource), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
  open.push({ stop: () => server.stop(true) });
  return Object.assign(state, { port: server.port });
}

async function client(port: number): Promise<{ socket: Socket; chunks: Buffer[] }> {
  const chunks: Buffer[] = [];
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  socket.on("error", () => {});
  open.push({ stop: () => socket.destroy() });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => Buffer.concat(chunks).includes("first"));
  return { socket, chunks };
}

describe("a direct stream of the runtime", () => {
  test("passes a direct stream's controller to pull, and is open until it settles", async () => {
    const server = serveStreams();
    const { chunks } = await client(server.port);
    await Bun.sleep(50);
    void server.writers[0]?.write(new TextEncoder().encode("later"));
    await until(() => Buffer.concat(chunks).includes("later"));
  });

  test("sends two writes and a flush as one chunk", async () => {
    const server = serveStreams();
    const { chunks } = await client(server.port);
    chunks.length = 0;
    void server.writers[0]?.write(new TextEncoder().encode("one."));
    void server.writers[0]?.write(new TextEncoder().encode("two."));
    void server.writers[0]?.flush();
    await until(() => chunks.length > 0);
    expect(Buffer.concat(chunks).toString()).toBe("8\r\none.two.\r\n");
  });

  test("a write returns a number, or a promise while the reader does not keep up", async () => {
    const server = serveStreams();
    const { socket } = await client(server.port);
    const writer = server.writers[0] as ByteWriter;
    const bytes = new Uint8Array(256 * 1024).fill(97);
    expect(typeof writer.write(new Uint8Array([98]))).toBe("number");
    socket.pause();
    let pending: Promise<number> | undefined;
    for (let count = 0; count < 400 && pending === undefined; count++) {
      const written = writer.write(bytes);
      const flushed = writer.flush();
      if (typeof written !== "number") pending = written;
      else if (typeof flushed !== "number") pending = flushed;
      await settle();
    }
    expect(pending).toBeInstanceOf(Promise);
    let settled = false;
    void pending?.then(() => {
      settled = true;
    });
    await Bun.sleep(50);
    expect(settled).toBe(false);
    socket.resume();
    await until(() => settled);
  });

  test("calls cancel when the reader goes, and takes later writes without throwing", async () => {
    const server = serveStreams();
    const { socket } = await client(server.port);
    socket.destroy();
    await until(() => server.cancelled === 1);
    expect(() => server.writers[0]?.write(new Uint8Array([1]))).not.toThrow();
    expect(() => server.writers[0]?.end()).not.toThrow();
  });

  test("settles the promise of a pending write when the reader goes", async () => {
    const server = serveStreams();
    const { socket } = await client(server.port);
    const writer = server.writers[0] as ByteWriter;
    socket.pause();
    let pending: Promise<unknown> | undefined;
    for (let count = 0; count < 400 && pending === undefined; count++) {
      const written = writer.write(new Uint8Array(256 * 1024));
      if (typeof written !== "number") pending = written;
      await settle();
    }
    let settled = false;
    pending?.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    expect(pending).toBeInstanceOf(Promise);
    socket.destroy();
    await until(() => settled);
  });

  test("ends a stream cleanly: what was written before arrives, then the last chunk", async () => {
    const server = serveStreams();
    const { chunks } = await client(server.port);
    void server.writers[0]?.write(new TextEncoder().encode("bye"));
    void server.writers[0]?.end();
    await until(() => Buffer.concat(chunks).toString().endsWith("0\r\n\r\n"));
    expect(Buffer.concat(chunks).toString()).toContain("bye");
  });

  test("resets a stream at once by close with an error, whatever waits to be written", async () => {
    const server = serveStreams();
    const { socket } = await client(server.port);
    const writer = server.writers[0] as ByteWriter;
    socket.pause();
    let pending: Promise<number> | undefined;
    for (let count = 0; count < 400 && pending === undefined; count++) {
      const written = writer.write(new Uint8Array(256 * 1024));
      if (typeof written !== "number") pending = written;
      await settle();
    }
    let settled = false;
    void pending?.then(() => {
      settled = true;
    });
    let reset = "";
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reset = error.code ?? "";
    });
    writer.close?.(new Error("cut"));
    await until(() => settled);
    socket.resume();
    await until(() => socket.destroyed);
    expect(reset).toBe("ECONNRESET");
    // An end from this side is not the reader's going.
    expect(server.cancelled).toBe(0);
  });

  test("does not call cancel for an end from this side", async () => {
    const server = serveStreams();
    const { chunks } = await client(server.port);
    void server.writers[0]?.end();
    await until(() => Buffer.concat(chunks).toString().endsWith("0\r\n\r\n"));
    await Bun.sleep(50);
    expect(server.cancelled).toBe(0);
  });

  test("calls cancel, and never pull, where the client is gone before the answer", async () => {
    let pulled = 0;
    let cancelled = 0;
    let asked = 0;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      development: false,
      async fetch() {
        asked++;
        await Bun.sleep(150);
        const source = {
          type: "direct",
          pull: () => void pulled++,
          cancel: () => void cancelled++,
        };
        return new Response(new ReadableStream(source as unknown as UnderlyingDefaultSource));
      },
    });
    open.push({ stop: () => server.stop(true) });
    const socket = connect(server.port ?? 0, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => asked === 1);
    socket.destroy();
    await until(() => cancelled === 1);
    expect(pulled).toBe(0);
  });

  test("closes the connection after a response that says so", async () => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("bye", { headers: { connection: "close" } }),
    });
    open.push({ stop: () => server.stop(true) });
    const socket = connect(server.port ?? 0, "127.0.0.1");
    let ended = false;
    socket.on("end", () => {
      ended = true;
    });
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => ended);
    socket.destroy();
  });

  test("lets two listeners share a port with reusePort", () => {
    const first = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort: true,
      fetch: () => new Response("1"),
    });
    open.push({ stop: () => first.stop(true) });
    const second = Bun.serve({
      port: first.port ?? 0,
      hostname: "127.0.0.1",
      reusePort: true,
      fetch: () => new Response("2"),
    });
    open.push({ stop: () => second.stop(true) });
    expect(second.port).toBe(first.port);
  });
});
