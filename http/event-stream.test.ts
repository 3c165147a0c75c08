/**
 * What `ByteWriter` promises of a stream, over real sockets. What it relies on in Bun's sockets
 * (partial writes, `drain`, a reset by `terminate`, descriptors) shows here too: an upgrade of the
 * runtime that changes one of these is caught by name.
 */

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { type ByteWriter, StreamAnswer } from "@ovation/protocol";
import { settle } from "../testing/manual-clock.ts";
import { until } from "../testing/until.ts";
import { ChunkedEventStream } from "./event-stream.ts";
import { STREAM_INPUT_BYTES_MAX } from "./limits.ts";
import { createDirectSender } from "./mod.ts";
import type { OwnedSocket } from "./socket-owner.ts";
import { type Client, client, get, serve } from "./testing/client.ts";

describe("a stream", () => {
  function serveStreams() {
    const writers: ByteWriter[] = [];
    const state = { cancelled: 0, delayMs: 0 };
    const served = serve(async () => {
      await Bun.sleep(state.delayMs);
      return new StreamAnswer(
        { "content-type": "text/event-stream" },
        {
          start(writer) {
            writers.push(writer);
            void writer.write(Buffer.from("first."));
          },
          cancel() {
            state.cancelled++;
          },
        },
      );
    });
    return { ...served, writers, state };
  }

  async function viewer(port: number): Promise<Client> {
    const each = await client(port, get("/"));
    await until(() => each.text().includes("first."), "the first bytes");
    return each;
  }

  test("to HTTP/1.1 is in chunks, and a clean end is the last chunk", async () => {
    const { port, writers, state } = serveStreams();
    const each = await viewer(port);
    expect(each.text()).toContain("connection: close");
    expect(each.text()).toContain("transfer-encoding: chunked");
    expect(each.text()).not.toContain("content-length");
    expect(writers[0]?.isChunked).toBe(true);
    expect(writers[0]?.write(Buffer.from("7\r\nsecond.\r\n"))).toBe(12);
    await until(() => each.text().endsWith("first.7\r\nsecond.\r\n"), "the second chunk");
    writers[0]?.end();
    writers[0]?.end();
    await until(() => each.ended, "the end");
    expect(each.text()).toEndWith("first.7\r\nsecond.\r\n0\r\n\r\n");
    expect(each.text().match(/0\r\n\r\n/g)).toHaveLength(1);
    expect({ cancelled: state.cancelled, reset: each.reset }).toEqual({ cancelled: 0, reset: "" });
  });

  test("to HTTP/1.0 is what is written, as it is, until it ends cleanly", async () => {
    const { port, writers, state } = serveStreams();
    const each = await client(port, "GET / HTTP/1.0\r\n\r\n");
    await until(() => each.text().includes("first."), "the first bytes");
    expect(each.text()).toContain("connection: close");
    expect(each.text()).not.toContain("transfer-encoding");
    expect(each.text()).not.toContain("content-length");
    expect(writers[0]?.isChunked).toBe(false);
    expect(writers[0]?.write(Buffer.from("second."))).toBe(7);
    await until(() => each.text().endsWith("first.second."), "the second bytes");
    void writers[0]?.write(Buffer.from("bye"));
    writers[0]?.end();
    await until(() => each.ended, "the end");
    expect(each.text()).toEndWith("\r\n\r\nfirst.second.bye");
    await Bun.sleep(30);
    // An end from this side is not the reader's going.
    expect({ cancelled: state.cancelled, reset: each.reset }).toEqual({ cancelled: 0, reset: "" });
  });

  async function fill(
    writer: ByteWriter,
    bytes: Uint8Array,
  ): Promise<{ pending: Promise<number>; written: number }> {
    let written = 0;
    for (let count = 0; count < 400; count++) {
      const accepted = writer.write(bytes);
      written += bytes.length;
      if (typeof accepted !== "number") return { pending: accepted, written };
      await settle();
    }
    throw new Error("the socket takes everything");
  }

  test("under back-pressure returns a promise that settles when all is written", async () => {
    const { port, writers } = serveStreams();
    const { socket, text } = await viewer(port);
    const writer = writers[0] as ByteWriter;
    socket.pause();
    const { pending, written } = await fill(writer, new Uint8Array(256 * 1024).fill(97));
    expect(writer.write(Buffer.from("behind"))).toBe(pending as unknown as number);
    let settled = false;
    void pending.then(() => {
      settled = true;
    });
    await Bun.sleep(50);
    expect(settled).toBe(false);
    socket.resume();
    await until(() => settled, "the promise settles");
    await until(() => text().endsWith("behind"), "the last bytes");
    expect(text().length - text().indexOf("first.")).toBe(6 + written + 6);
    expect(typeof writer.write(Buffer.from("on"))).toBe("number");
  });

  test("ended while bytes wait sends these first", async () => {
    const { port, writers } = serveStreams();
    const each = await viewer(port);
    each.socket.pause();
    await fill(writers[0] as ByteWriter, new Uint8Array(256 * 1024).fill(97));
    void writers[0]?.write(Buffer.from("last"));
    writers[0]?.end();
    each.socket.resume();
    await until(() => each.ended, "the end");
    expect(each.text()).toEndWith("last0\r\n\r\n");
  });

  test("reports the reader's close, settles what waits, and ignores later writes", async () => {
    const { port, writers, state } = serveStreams();
    const { socket } = await viewer(port);
    socket.pause();
    const { pending } = await fill(writers[0] as ByteWriter, new Uint8Array(256 * 1024));
    socket.destroy();
    await until(() => state.cancelled === 1, "cancel");
    await pending;
    expect(() => writers[0]?.write(new Uint8Array([1]))).not.toThrow();
    expect(() => writers[0]?.end()).not.toThrow();
    expect(() => writers[0]?.cut()).not.toThrow();
    expect(state.cancelled).toBe(1);
  });

  test("is reset at once by cut, whatever waits to be written", async () => {
    const { port, writers, state } = serveStreams();
    const each = await viewer(port);
    each.socket.pause();
    const { pending } = await fill(writers[0] as ByteWriter, new Uint8Array(256 * 1024));
    writers[0]?.cut();
    await pending;
    each.socket.resume();
    await until(() => each.socket.destroyed, "the end");
    expect({ reset: each.reset, cancelled: state.cancelled }).toEqual({
      reset: "ECONNRESET",
      cancelled: 0,
    });
  });

  test("is cancelled and never started where the client is gone before the answer", async () => {
    const { port, writers, state } = serveStreams();
    state.delayMs = 1000;
    const { socket } = await client(port, get("/"));
    await Bun.sleep(20);
    socket.destroy();
    await until(() => state.cancelled === 1, "cancel");
    expect(writers.length).toBe(0);
  });

  test("does not read what its client sends, and ends when that does not stop", async () => {
    const { port, state } = serveStreams();
    const { socket } = await viewer(port);
    socket.write("x".repeat(STREAM_INPUT_BYTES_MAX));
    await Bun.sleep(30);
    expect(state.cancelled).toBe(0);
    socket.write("x");
    await until(() => state.cancelled === 1, "cancel");
  });

  test("is written by its descriptor while nothing waits, in order with its writer", async () => {
    const { port, writers } = serveStreams();
    const { socket, text } = await viewer(port);
    const writer = writers[0] as ByteWriter;
    const sender = createDirectSender();
    if (sender === undefined) {
      // Not Linux: no connection is written by its descriptor.
      expect(process.platform).not.toBe("linux");
      return;
    }
    const sendSmall = sender.aim(Buffer.from("direct."));
    expect(sendSmall(writer.descriptor ?? -1)).toBe(7);
    void writer.write(Buffer.from("written."));
    expect(sendSmall(writer.descriptor ?? -1)).toBe(7);
    await until(() => text().endsWith("first.direct.written.direct."), "all of it");

    socket.pause();
    const large = new Uint8Array(256 * 1024).fill(97);
    const sendLarge = sender.aim(large);
    let taken = large.length;
    let sent = 0;
    while (taken === large.length) {
      taken = sendLarge(writer.descriptor ?? -1);
      sent += taken;
      await settle();
    }
    // The writer sends what the kernel did not take, and until then no descriptor
    // is offered.
    const pending = writer.write(large.subarray(taken));
    expect(typeof pending).toBe("object");
    expect(writer.descriptor).toBe(-1);
    socket.resume();
    await pending;
    expect(writer.descriptor).toBeGreaterThan(0);
    expect(sendSmall(writer.descriptor ?? -1)).toBe(7);
    await until(() => text().endsWith("adirect."), "the last bytes");
    expect(text().length - text().indexOf("first.")).toBe(
      "first.direct.written.direct.".length + sent + (large.length - taken) + 7,
    );
  });

  test("offers no descriptor when it is over, which the next connection may have", async () => {
    const { port, writers, state } = serveStreams();
    const { socket } = await viewer(port);
    socket.destroy();
    await until(() => state.cancelled === 1, "cancel");
    expect(writers[0]?.descriptor).toBe(-1);
    await viewer(port);
    writers[1]?.end();
    expect(writers[1]?.descriptor).toBe(-1);
  });
});

test("an idle stream is one small object: a field more costs every viewer", () => {
  const socket = { fd: 3, remoteAddress: "", write: () => 0 } as unknown as OwnedSocket;
  const source = { start() {}, cancel() {} };
  const host = { cut() {}, ends() {}, closed() {} };
  const create = () => new ChunkedEventStream(socket, source, host);
  const streams: ChunkedEventStream[] = Array.from({ length: 20_000 }, create);
  Bun.gc(true);
  const before = heapStats().heapSize;
  for (let index = 0; index < 10_000; index++) streams.push(create());
  Bun.gc(true);
  const bytes = (heapStats().heapSize - before) / 10_000;
  // The list that holds them grows as well, by 8 bytes for each place.
  expect(bytes).toBeLessThan(140);
});
