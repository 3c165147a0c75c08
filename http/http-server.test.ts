/** The server over real sockets: what clients and proxies do with HTTP/1.1. */

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Agent, request as nodeRequest } from "node:http";
import { until } from "../testing/until.ts";
import { ANSWER_BYTES_WHOLE_MAX } from "./limits.ts";
import { HttpServer, type IncomingRequest } from "./mod.ts";
import { client, get, type Handle, open, serve } from "./testing/client.ts";

const echo: Handle = async (request) =>
  new Response(`${request.method} ${request.url} ${Buffer.from(await request.bytes()).toString()}`);
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));

describe("requests", () => {
  test("on one connection are answered in order, also when they come together", async () => {
    const { port } = serve(async (request) => {
      // The first takes longest.
      await Bun.sleep(request.path === "/1" ? 40 : 1);
      return new Response(request.path);
    });
    const { text } = await client(port, get("/1") + get("/2") + get("/3"));
    await until(() => text().includes("/3"), "all answers");
    expect(text().match(/\r\n\r\n\/\d/g)).toEqual(["\r\n\r\n/1", "\r\n\r\n/2", "\r\n\r\n/3"]);
  });

  test("may come a byte at a time", async () => {
    const { port } = serve(echo);
    const { socket, text } = await client(port);
    for (const byte of "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHello") {
      socket.write(byte);
      await Bun.sleep(1);
    }
    await until(() => text().includes("Hello"), "the answer");
  });

  test("have bodies by length or in chunks, which are not read as the next request", async () => {
    const { port } = serve(echo);
    const smuggled = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    const { text } = await client(
      port,
      `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}` +
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n${get("/c")}`,
    );
    await until(() => text().includes("/c"), "all answers");
    expect(statuses(text())).toEqual([200, 200, 200]);
    expect(text()).toContain("POST http://x/b abcde");
  });

  test("whose body is whole and not read leave the connection usable", async () => {
    const { port } = serve((request) => new Response(request.path, { status: 404 }));
    const { text } = await client(
      port,
      `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc${get("/b")}`,
    );
    await until(() => text().endsWith("/b"), "the second answer");
    expect(statuses(text())).toEqual([404, 404]);
  });

  test("that wait for 100 Continue get it only when the body is wanted", async () => {
    const { port } = serve((request, call) =>
      request.path === "/no" ? new Response("no", { status: 403 }) : echo(request, call),
    );
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`;
    const wanted = await client(port, head("/yes"));
    await until(() => wanted.text().startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "continue");
    wanted.socket.write("ok");
    await until(() => wanted.text().endsWith("ok"), "the answer");
    const unwanted = await client(port, head("/no"));
    await until(() => unwanted.ended, "the end");
    expect(statuses(unwanted.text())).toEqual([403]);
  });

  test("of HTTP/1.0, and with Connection: close, end the connection after the answer", async () => {
    const { port } = serve(echo);
    for (const bytes of ["GET /a HTTP/1.0\r\n\r\n", get("/a", "Connection: close\r\n")]) {
      const each = await client(port, bytes);
      await until(() => each.ended, "the end");
      expect(each.text()).toContain("connection: close");
      expect(each.text()).toContain("GET ");
    }
  });

  test("HEAD has the headers of GET and no body", async () => {
    const { port } = serve(() => new Response("12345"));
    const { text } = await client(port, `HEAD / HTTP/1.1\r\nHost: x\r\n\r\n${get("/")}`);
    await until(() => text().endsWith("12345"), "the answer to GET");
    expect(text().match(/content-length: 5/g)?.length).toBe(2);
  });

  test("that are malformed get an error, which further bytes do not reset", async () => {
    const { port, refused } = serve(echo);
    const each = await client(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(2_000_000)}`);
    await until(() => each.ended || each.reset !== "", "the end");
    expect({ statuses: statuses(each.text()), reset: each.reset }).toEqual({
      statuses: [431],
      reset: "",
    });
    expect(refused.map(({ code }) => code)).toEqual(["headers-too-large"]);
  });

  test("whose handler fails are answered 500, and the server continues", async () => {
    const { port, errors } = serve((request) => {
      if (request.path === "/bad") throw new Error("planted");
      return new Response("good");
    });
    const { text } = await client(port, get("/bad") + get("/good"));
    await until(() => text().endsWith("good"), "the second answer");
    expect(statuses(text())).toEqual([500, 200]);
    expect(errors.length).toBe(1);
  });

  test("whose handling throws unexpectedly are reported, and the server continues", async () => {
    const errors: unknown[] = [];
    const server = new HttpServer({
      at: { host: "127.0.0.1", port: 0, reusePort: false },
      handle(request) {
        if (request.path === "/bad") throw new Error("planted");
        return Promise.resolve(new Response("good"));
      },
      onError: (error) => errors.push(error),
      onRefused() {},
    });
    open.push(server);
    const bad = await client(server.port ?? 0, get("/bad"));
    await until(() => bad.socket.destroyed, "the end");
    const { text } = await client(server.port ?? 0, get("/good"));
    await until(() => text().endsWith("good"), "an answer");
    expect(errors.map(String)).toEqual(["Error: planted"]);
  });

  test("of a client that goes away in the middle of its body are aborted", async () => {
    let seen: IncomingRequest | undefined;
    let failed: unknown;
    const { port } = serve(async (request) => {
      seen = request;
      await request.bytes().catch((error: unknown) => {
        failed = error;
      });
      return new Response();
    });
    const { socket } = await client(
      port,
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    );
    await until(() => seen !== undefined, "the request");
    socket.destroy();
    await until(() => failed !== undefined, "the failure");
    expect(seen?.signal.aborted).toBe(true);
  });

  test("of Node's keep-alive client, and of fetch, work as with any server", async () => {
    const { port } = serve(echo);
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    const ask = (body: string) =>
      new Promise<string>((resolve, reject) => {
        const asked = nodeRequest(
          { host: "127.0.0.1", port, method: "POST", path: "/n", agent },
          (response) => {
            let text = "";
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString();
            });
            response.on("end", () => resolve(text));
          },
        );
        asked.on("error", reject);
        asked.write(body.slice(0, 3));
        asked.end(body.slice(3));
      });
    const bodies = Array.from({ length: 40 }, (_, index) => `body ${index}`);
    expect(await Promise.all(bodies.map(ask))).toEqual(
      bodies.map((body) => `POST http://127.0.0.1:${port}/n ${body}`),
    );
    agent.destroy();
    const big = "y".repeat(1_000_000);
    expect(
      await (await fetch(`http://127.0.0.1:${port}/f`, { method: "PUT", body: big })).text(),
    ).toEndWith(big);
  });
});

describe("answers", () => {
  test("longer than the socket takes arrive whole, at the pace of the reader", async () => {
    const size = 12 * 1024 * 1024;
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const stream = () => {
      let sent = 0;
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent === size) controller.close();
          else controller.enqueue(bytes);
          sent += bytes.length;
        },
      });
    };
    let made = 0;
    const { port } = serve(() => {
      made++;
      return new Response(stream(), { headers: { "content-length": String(size) } });
    });
    const expected = createHash("sha256");
    for (let at = 0; at < size; at += bytes.length) expected.update(bytes);
    const slow = await client(port);
    const hash = createHash("sha256");
    let received = 0;
    let head = Buffer.alloc(0);
    slow.socket.removeAllListeners("data");
    slow.socket.on("data", (chunk) => {
      let part = Buffer.from(chunk as Uint8Array);
      if (received === 0) {
        head = Buffer.concat([head, part]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        part = head.subarray(end + 4);
      }
      received += part.length;
      hash.update(part);
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 1);
    });
    slow.socket.write(get("/"));
    await until(() => received === size, "all bytes");
    expect(hash.digest("hex")).toBe(expected.digest("hex"));
    expect(made).toBe(1);
  }, 20_000);

  test("that end before their length reset the connection", async () => {
    const { port } = serve(() => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(1000));
          controller.error(new Error("planted"));
        },
      });
      return new Response(body, { headers: { "content-length": "1000000" } });
    });
    const each = await client(port, get("/"));
    await until(() => each.reset !== "" || each.socket.destroyed, "the end");
    expect(each.ended).toBe(false);
  });

  test("of ANSWER_BYTES_WHOLE_MAX are read whole before they are sent, longer not", async () => {
    for (const [length, isWhole] of [
      [ANSWER_BYTES_WHOLE_MAX, true],
      [ANSWER_BYTES_WHOLE_MAX + 1, false],
    ] as const) {
      let rest: () => void = () => undefined;
      const { port } = serve(() => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(new Uint8Array(1000));
            rest = () => {
              controller.enqueue(new Uint8Array(length - 1000));
              controller.close();
            };
          },
        });
        return new Response(body, { headers: { "content-length": String(length) } });
      });
      const each = await client(port, get("/"));
      await Bun.sleep(30);
      expect(each.text() === "").toBe(isWhole);
      rest();
      await until(() => each.text().split("\r\n\r\n")[1]?.length === length, "all of it");
    }
  });

  test("that end before anything was sent reset the connection; the server continues", async () => {
    const broken = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.error(new Error("planted"));
        },
      });
    const { port } = serve((request) =>
      request.path === "/good"
        ? new Response("good")
        : new Response(
            broken(),
            request.path === "/said" ? { headers: { "content-length": "10" } } : {},
          ),
    );
    for (const path of ["/said", "/absent"]) {
      const each = await client(port, get(path));
      await until(() => each.socket.destroyed, "the end");
      expect(each.text()).toBe("");
    }
    const { text } = await client(port, get("/good"));
    await until(() => text().endsWith("good"), "an answer");
  });

  test("204 and 304 have no length and no body", async () => {
    const { port } = serve(
      (request) => new Response(null, { status: Number(request.path.slice(1)) }),
    );
    const { text } = await client(port, get("/204") + get("/304") + get("/200"));
    await until(() => statuses(text()).length === 3, "all answers");
    expect(text().match(/content-length/g)?.length).toBe(1);
  });
});

describe("the server", () => {
  test("keeps a connection that waits for its next request for as long as it is told", async () => {
    const cuts: string[] = [];
    const server = new HttpServer({
      at: { host: "127.0.0.1", port: 0, reusePort: false },
      idleMs: 200,
      handle: async () => new Response("a"),
      onError: (error) => cuts.push(String(error)),
      onRefused: (problem) => cuts.push(problem.code),
      onCut: (reason) => cuts.push(reason),
    });
    const kept = await client(server.port ?? 0, get("/"));
    await until(() => kept.ended, "the end");
    expect(kept.text()).toEndWith("a");
    expect(cuts).toEqual(["idle"]);
    await server.stop(true);
  });

  test("stops when requests in flight are answered; idle connections are closed", async () => {
    let release: () => void = () => {};
    const { port, server } = serve(async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return new Response("late");
    });
    const idle = await client(port, get("/a"));
    await Bun.sleep(20);
    release();
    await until(() => idle.text().endsWith("late"), "the first answer");
    const busy = await client(port, get("/b"));
    await Bun.sleep(20);
    let stopped = false;
    const stopping = server.stop(false).then(() => {
      stopped = true;
    });
    await until(() => idle.ended, "the idle one is closed");
    expect(stopped).toBe(false);
    release();
    await stopping;
    await until(() => busy.ended, "the end");
    expect(busy.text()).toContain("connection: close");
    expect(busy.text()).toEndWith("late");
  });

  test("over its sockets evicts the oldest without a request, else rejects the new", async () => {
    const cuts: string[] = [];
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = new HttpServer({
      at: { host: "127.0.0.1", port: 0, reusePort: false },
      async handle() {
        await released;
        return new Response("late");
      },
      onError() {},
      onRefused() {},
      onCut: (reason) => cuts.push(reason),
      socketsMax: 2,
    });
    open.push(server);
    const port = server.port ?? 0;
    const silent = await client(port);
    const asking = await client(port, get("/1"));
    const alsoAsking = await client(port, get("/2"));
    await until(() => silent.ended, "the silent one is closed");
    const late = await client(port, get("/3"));
    await until(() => late.ended || late.reset !== "", "the late one is closed");
    release();
    await until(
      () => asking.text().endsWith("late") && alsoAsking.text().endsWith("late"),
      "the answers",
    );
    expect(cuts).toEqual(["crowded", "crowded"]);
  });

  test("shares its port with servers that share it, and with no other one", () => {
    const at = (port: number, reusePort: boolean) => ({ host: "127.0.0.1", port, reusePort });
    const given = { handle: async () => new Response(), onError() {}, onRefused() {} };
    const first = new HttpServer({ at: at(0, true), ...given });
    const second = new HttpServer({ at: at(first.port ?? 0, true), ...given });
    open.push(first, second);
    expect(second.port).toBe(first.port);
    let code = "";
    try {
      open.push(new HttpServer({ at: at(first.port ?? 0, false), ...given }));
    } catch (error) {
      ({ code } = error as NodeJS.ErrnoException & { code: string });
    }
    expect(code).toBe("EADDRINUSE");
  });
});
