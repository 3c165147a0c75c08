/** What a connection does where a client means ill, or breaks off. */

import { describe, expect, spyOn, test } from "bun:test";
import { StreamAnswer } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { HttpServer } from "../mod.ts";
import type { OwnedSocket, SocketOwner } from "../socket-owner.ts";
import { client, get, open, serve } from "../testing/client.ts";
import { HttpConnection } from "./http-connection.ts";

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
const post = (path: string, ...lines: string[]) =>
  [`POST ${path} HTTP/1.1`, "Host: x", ...lines, "", ""].join("\r\n");

describe("a connection", () => {
  test("that was refused buffers no further bytes, also while its client does not read", () => {
    const socket = {
      data: undefined as unknown as SocketOwner,
      remoteAddress: "127.0.0.1",
      fd: -1,
      write: () => 0,
      end() {},
      terminate() {},
      shutdown() {},
      pause() {},
      resume() {},
    } satisfies OwnedSocket;
    const { server } = serve(() => new Response());
    const connection = new HttpConnection(socket, server);
    connection.receive(Buffer.from("\0"));
    const junk = Buffer.alloc(1024 * 1024, "x");
    const kept = spyOn(Buffer, "concat");
    for (let count = 0; count < 10; count++) connection.receive(junk);
    expect(connection.state).toBe("answering");
    expect(kept).not.toHaveBeenCalled();
    kept.mockRestore();
  });

  test("whose request is the last one responds once, also to a malformed body", async () => {
    const { port, refused } = serve((request) => new Response(request.path));
    const each = await client(
      port,
      `${post("/a", "Connection: close", "Transfer-Encoding: chunked")}zz\r\n${get("/b")}`,
    );
    await until(() => each.ended, "the end");
    expect(statuses(each.text())).toEqual([200]);
    expect(each.text()).toContain("connection: close");
    expect(refused.map(({ code }) => code)).toEqual(["invalid-request"]);
  });

  test("whose body is too long, and was not asked for, is answered once and ends", async () => {
    const { port } = serve((request) => new Response(request.path));
    const each = await client(port, post("/a", "Transfer-Encoding: chunked"));
    const chunk = `100000\r\n${"x".repeat(1024 * 1024)}\r\n`;
    for (let count = 0; count < 6; count++) each.socket.write(chunk);
    await until(() => each.ended || each.reset !== "", "the end");
    expect(statuses(each.text())).toEqual([200]);
    expect(each.text()).toContain("connection: close");
  });

  test("is told that it ends where the handler asked for a body that is malformed", async () => {
    const { port } = serve(async (request) => {
      await request.bytes().catch(() => {});
      return new Response("refused", { status: 400 });
    });
    const each = await client(port, `${post("/a", "Transfer-Encoding: chunked")}zz\r\n`);
    await until(() => each.ended, "the end");
    expect(statuses(each.text())).toEqual([400]);
    expect(each.text()).toContain("connection: close");
  });

  test("that waits for a 100 Continue that does not come gets an error", async () => {
    const { port } = serve(() => new Response("no", { status: 403 }));
    const each = await client(port, post("/a", "Content-Length: 2", "Expect: 100-continue"));
    await until(() => each.ended, "the end");
    expect(each.text()).toContain("connection: close");
  });

  test("with thousands of requests at once lets others be answered meanwhile", async () => {
    let last = 0;
    const { port } = serve((request) => {
      if (request.path === "/many") last = performance.now();
      return new Response("ok");
    });
    const other = await client(port);
    const many = await client(port, get("/many").repeat(3000));
    await until(() => last > 0, "the first of many");
    const asked = get("/other");
    other.socket.write(asked);
    await until(() => other.text() !== "", "the other's answer");
    const at = performance.now();
    await until(() => statuses(many.text()).length === 3000, "all answers");
    expect(last).toBeGreaterThan(at);
  });

  test("takes an empty line before a request, and no half of one", async () => {
    const { port } = serve((request) => new Response(request.path));
    const good = await client(port, `\r\n\r\n${get("/a")}`);
    await until(() => good.text().endsWith("/a"), "the answer");
    const halved = await client(port, "\r");
    await Bun.sleep(20);
    halved.socket.write(`\n${get("/b")}`);
    await until(() => halved.text().endsWith("/b"), "the answer");
    for (const start of ["\n", "\r\r\n", "\n\r\n"]) {
      const bad = await client(port, `${start}${get("/c")}`);
      await until(() => bad.ended, "the end");
      expect(statuses(bad.text())).toEqual([400]);
    }
  });

  test("never sends more than an answer had said", async () => {
    const size = 1_000_000;
    const { port } = serve((request) =>
      request.path === "/next"
        ? new Response("next")
        : new Response(new Uint8Array(size + 5).fill(97), {
            headers: { "content-length": String(size) },
          }),
    );
    const { text } = await client(port, get("/long") + get("/next"));
    await until(() => text().endsWith("next"), "the next answer");
    const first = text().split("\r\n\r\n")[1] ?? "";
    expect(first.slice(0, first.indexOf("HTTP/")).length).toBe(size);
  });

  test("to a HEAD says the length that the handler said", async () => {
    const { port } = serve(() => new Response(null, { headers: { "content-length": "1234" } }));
    const { text } = await client(port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => text().endsWith("\r\n\r\n"), "the answer");
    expect(text()).toContain("content-length: 1234\r\n");
  });

  test("whose stream throws as it starts is ended and reported; the server continues", async () => {
    const { port, errors } = serve((request) =>
      request.path === "/good"
        ? new Response("good")
        : new StreamAnswer(
            {},
            {
              start() {
                throw new Error("planted");
              },
              cancel() {},
            },
          ),
    );
    const bad = await client(port, get("/bad"));
    await until(() => bad.socket.destroyed, "the end");
    expect(errors.map(String)).toEqual(["Error: planted"]);
    const { text } = await client(port, get("/good"));
    await until(() => text().endsWith("good"), "an answer");
  });
});

describe("room for another", () => {
  function crowded(socketsMax: number) {
    const cuts: string[] = [];
    const server = new HttpServer({
      at: { host: "127.0.0.1", port: 0, reusePort: false },
      handle: async (request) => new Response(request.path),
      onError() {},
      onRefused() {},
      onCut: (reason) => cuts.push(reason),
      socketsMax,
    });
    open.push(server);
    return { port: server.port ?? 0, cuts };
  }

  test("is made by a socket that never asked, before one between two requests", async () => {
    const { port, cuts } = crowded(2);
    const between = await client(port, get("/a"));
    await until(() => between.text().endsWith("/a"), "an answer");
    const silent = await client(port);
    await client(port, get("/b"));
    await until(() => silent.ended, "the silent one is closed");
    expect({ ended: between.ended, cuts }).toEqual({ ended: false, cuts: ["crowded"] });
  });

  test("is made by the connection that has been idle longest, not by the oldest one", async () => {
    const { port } = crowded(2);
    const first = await client(port, get("/a"));
    await until(() => first.text().endsWith("/a"), "an answer");
    const second = await client(port, get("/b"));
    await until(() => second.text().endsWith("/b"), "an answer");
    first.socket.write(get("/c"));
    await until(() => first.text().endsWith("/c"), "another answer");
    await client(port, get("/d"));
    await until(() => second.ended, "the second is closed");
    expect(first.ended).toBe(false);
  });
});

describe("a server that stops", () => {
  test("does not wait for a socket that says nothing", async () => {
    const { port, server } = serve(() => new Response());
    const silent = await client(port);
    const began = performance.now();
    await server.stop(false);
    await until(() => silent.ended || silent.reset !== "", "the end");
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test("responds to a request in flight on a keep-alive connection, as the last one", async () => {
    const { port, server } = serve((request) => new Response(request.path));
    const kept = await client(port, get("/a"));
    await until(() => kept.text().endsWith("/a"), "the first answer");
    const stopping = server.stop(false);
    kept.socket.write(get("/b"));
    await stopping;
    await until(() => kept.ended || kept.reset !== "", "the end");
    expect(kept.reset).toBe("");
    expect(kept.text()).toEndWith("/b");
    expect(kept.text().match(/connection: close/g)).toHaveLength(1);
  });

  test("lets a stream that has ended bring its last bytes to a slow reader", async () => {
    const size = 8 * 1024 * 1024;
    const { port, server } = serve(
      () =>
        new StreamAnswer(
          {},
          {
            start(writer) {
              void writer.write(new Uint8Array(size).fill(97));
              void writer.write(Buffer.from("the end"));
              writer.end();
            },
            cancel() {},
          },
        ),
    );
    const each = await client(port);
    each.socket.pause();
    each.socket.write(get("/"));
    await Bun.sleep(100);
    const stopping = server.stop(false);
    await Bun.sleep(300);
    each.socket.resume();
    await stopping;
    await until(() => each.ended || each.reset !== "", "the end");
    expect(each.reset).toBe("");
    expect(each.text()).toEndWith("the end0\r\n\r\n");
  });
});
