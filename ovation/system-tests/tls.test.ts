/**
 * `--tls-cert`, `--tls-key`: HTTP/1.1 and HTTP/2 on one port, and where HTTP/3 is. (HTTP/3 itself:
 * `browser-tests/`.)
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFrameReader } from "@ovation/protocol";
import { makeCertificate } from "../../testing/certificate.ts";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { rawRequest } from "./testing/raw-request.ts";

const STREAMS = 100;

interface Stream {
  readonly request: ClientHttp2Stream;
  readonly types: string[];
  status: number;
  headers: Readonly<Record<string, unknown>>;
  /** RST_STREAM's code, or `end`. */
  closed: number | "end" | undefined;
}

const directory = mkdtempSync(join(tmpdir(), "ovation-tls-"));
let server: Server;

beforeAll(async () => {
  const tls = makeCertificate(directory);
  server = await Server.start({
    tls,
    flags: ["--heartbeat-seconds", "1", "--stuck-seconds", "2", "--drain-seconds", "2"],
  });
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

function openSession(): ClientHttp2Session {
  const session = connect(server.url, { rejectUnauthorized: false });
  // What is cut says so on its streams.
  session.on("error", () => {});
  return session;
}

/** A stream that is read, or, with `reads: false`, one whose window stays shut. */
function openStream(session: ClientHttp2Session, path: string, reads = true): Stream {
  const request = session.request({ ":path": path });
  const stream: Stream = { request, types: [], status: 0, headers: {}, closed: undefined };
  const reader = createFrameReader({ onMessage: ({ type }) => stream.types.push(type) });
  const decoder = new TextDecoder();
  request.on("response", (headers) => {
    stream.status = Number(headers[":status"]);
    stream.headers = headers;
  });
  if (reads)
    request.on("data", (chunk: Uint8Array) => reader.feed(decoder.decode(chunk, { stream: true })));
  request.on("end", () => {
    stream.closed = "end";
  });
  request.on("error", () => {});
  request.on("close", () => {
    stream.closed ??= request.rstCode ?? 0;
  });
  return stream;
}

describe("HTTP/2", () => {
  test("carries a hundred streams on one connection, and each gets every event", async () => {
    const session = openSession();
    const streams = Array.from({ length: STREAMS }, () =>
      openStream(session, "/v1/events?topic=video:many"),
    );
    await until(() => streams.every(({ types }) => types.includes("connection")), "all are open");
    expect(streams[0]?.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    // [spec] RFC 9113, 8.2.2: connection-specific header fields are malformed in HTTP/2.
    expect(streams[0]?.headers["connection"]).toBeUndefined();
    for (let count = 0; count < 10; count++)
      await server.publish([{ topic: "video:many", type: "goal", data: count }]);
    await until(
      () => streams.every(({ types }) => types.filter((type) => type === "goal").length === 10),
      "all have ten events",
    );
    session.destroy();
    await until(
      async () => (await server.metric("ovation_frontend_connections")) === 0,
      "all are gone with their session",
    );
  }, 30_000);

  test("a stream that is not read is cut alone; others on its connection continue", async () => {
    const session = openSession();
    const path = "/v1/events?topic=video:back";
    const stuck = openStream(session, path, false);
    const good = openStream(session, path);
    await until(() => stuck.status === 200 && good.types.includes("connection"), "both are open");
    const event = { topic: "video:back", type: "flood", data: "f".repeat(50_000) };
    for (let count = 0; count < 40; count++) await server.publish([event]);
    await until(
      async () => (await server.metric("ovation_frontend_slow_connections")) === 1,
      "one is slow",
    );
    await until(
      async () => (await server.metric("ovation_frontend_closes_total", { reason: "stuck" })) === 1,
      "it is cut",
    );
    // [spec] RFC 9113, 7: INTERNAL_ERROR (2). The stream ends, not the connection.
    await until(() => stuck.closed !== undefined, "its reader hears of it");
    expect(stuck.closed).toBe(2);
    await server.publish([{ topic: "video:back", type: "goal", data: 1 }]);
    await until(() => good.types.includes("goal"), "the other stream gets the event");
    expect(good.types.filter((type) => type === "flood").length).toBe(40);
    session.destroy();
  }, 40_000);

  test("refuses with the same codes and the same clean end", async () => {
    const session = openSession();
    expect(await answered(openStream(session, "/v1/events"))).toEqual({
      status: 400,
      closed: "end",
    });
    expect(await answered(openStream(session, "/v1/events?topic=member:alice"))).toEqual({
      status: 401,
      closed: "end",
    });
    expect(
      await answered(openStream(session, `/v1/events?topic=video:${"a".repeat(5000)}`)),
    ).toEqual({ status: 400, closed: "end" });
    session.destroy();
  }, 30_000);

  test("a header beyond the limit costs its sender the request, and no other client", async () => {
    const session = openSession();
    const request = session.request({ ":path": "/healthz", "x-large": "a".repeat(60_000) });
    request.on("error", () => {});
    let status = 0;
    request.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    await until(() => request.closed || session.closed || status !== 0, "it is refused");
    expect([0, 431]).toContain(status);
    session.destroy();
    expect(await server.isReady()).toBe(true);
  }, 30_000);
});

describe("one port", () => {
  test("answers HTTP/1.1 as well, and names the port of HTTP/3", async () => {
    const response = await server.get("/healthz");
    expect(response.status).toBe(200);
    expect(response.headers.get("alt-svc")).toMatch(new RegExp(`^h3=":${server.port}"`));
  });

  test("is not confused by plain HTTP on it", async () => {
    const { statuses, closed } = await rawRequest({
      port: server.port,
      bytes: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      withinMs: 15_000,
    });
    expect({ statuses, closed }).toEqual({ statuses: [], closed: true });
    expect(await server.isReady()).toBe(true);
  }, 20_000);

  test("cuts a client that begins a TLS handshake and stops", async () => {
    const hello = Buffer.from("16030100a5010000a10303", "hex");
    const { closed, ms } = await rawRequest({ port: server.port, bytes: hello, withinMs: 40_000 });
    expect({ closed, soon: ms < 30_000 }).toEqual({ closed: true, soon: true });
  }, 50_000);
});

test("a drain ends the streams of HTTP/2 cleanly, with when to come back", async () => {
  const session = openSession();
  const streams = Array.from({ length: 20 }, () =>
    openStream(session, "/v1/events?topic=video:drain"),
  );
  await until(() => streams.every(({ types }) => types.includes("connection")), "all are open");
  expect(await server.end()).toBe(0);
  await until(() => streams.every(({ closed }) => closed !== undefined), "all have ended");
  for (const { types, closed } of streams)
    expect({ last: types.at(-1), closed }).toEqual({ last: "reconnect", closed: "end" });
}, 30_000);

async function answered(stream: Stream): Promise<Pick<Stream, "status" | "closed">> {
  stream.request.resume();
  await until(() => stream.closed !== undefined, "it is answered");
  return { status: stream.status, closed: stream.closed };
}
