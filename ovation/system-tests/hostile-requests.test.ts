/**
 * Requests that are none, or ask for what there is not, against a real process: each is refused and
 * counted.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { rawRequest } from "./testing/raw-request.ts";

const MEGABYTE = 1024 * 1024;
const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n`;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
}, 60_000);
afterAll(() => server.stop());

describe("a request that is none", () => {
  const bad: readonly (readonly [
    what: string,
    bytes: string | Buffer,
    statuses: readonly number[],
  ])[] = [
    ["a header of 1 MB", `${head("/")}X: ${"a".repeat(MEGABYTE)}\r\n\r\n`, [431]],
    ["a URL of 1 MB", `${head(`/?${"a".repeat(MEGABYTE)}`)}\r\n`, [431]],
    ["1,000 headers", `${head("/")}${"X: y\r\n".repeat(1000)}\r\n`, [431]],
    ["10,000 topics", `${head(`/v1/events?${"topic=video:a&".repeat(10_000)}`)}\r\n`, [431]],
    [
      "a topic of 100,000 characters",
      `${head(`/v1/events?topic=video:${"a".repeat(100_000)}`)}\r\n`,
      [431],
    ],
    ["bytes that are no HTTP", Buffer.from("\0\u0001\u0002 junk \xff\r\n\r\n", "latin1"), [400]],
    ["the start of TLS on a plain port", Buffer.from("16030100a5010000a10303", "hex"), [400]],
    ["the start of HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]],
    [
      "two different lengths",
      "POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc",
      [400],
    ],
    [
      "a length and chunks: a second request hidden in the first",
      "POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" +
        `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${head("/healthz")}\r\n`,
      [400],
    ],
    [
      "chunks, twice said",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" +
        "Transfer-Encoding: x\r\n\r\n0\r\n\r\n",
      [400],
    ],
    [
      "chunks that are none",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
      [405],
    ],
    ["a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", [400]],
    [
      "a length beyond all numbers",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
      [400],
    ],
    ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", [400]],
    ["a NUL in a header", `${head("/")}X: a\0b\r\n\r\n`, [400]],
    ["a lone CR in a header", `${head("/")}X: a\rY: b\r\n\r\n`, [400]],
    ["a header that continues in the next line", `${head("/")}X: a\r\n b\r\n\r\n`, [400]],
    ["a lone line feed before a request", `\n${head("/healthz")}\r\n`, [400]],
    [
      "an encoding behind a vertical tab",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
      [400],
    ],
    [
      "a good request with junk behind it",
      `${head("/healthz")}\r\n\0\xff junk\r\n\r\n`,
      [200, 400],
    ],
  ];
  for (const [what, bytes, statuses] of bad) {
    test(`${what} is answered ${statuses.join(", then ")} and closed`, async () => {
      const answer = await rawRequest({ port: server.port, bytes, withinMs: 15_000 });
      expect(answer.statuses).toEqual([...statuses]);
      expect(answer.closed).toBe(true);
    });
  }
});

function manyTopics(count: number): string {
  return Array.from({ length: count }, (_, n) => `topic=video:${n}&`).join("");
}

describe("a request for what does not exist", () => {
  const wrong: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
    ["101 topics", `${head(`/v1/events?${manyTopics(101)}`)}\r\n`, 400, "too-many-topics"],
    [
      "a topic of 5,000 characters",
      `${head(`/v1/events?topic=video:${"a".repeat(5000)}`)}\r\n`,
      400,
      "invalid-topic",
    ],
    [
      "a topic with a line end in it",
      `${head("/v1/events?topic=video:a%0d%0aevent:%20x")}\r\n`,
      400,
      "invalid-topic",
    ],
    [
      "a topic with a NUL in it",
      `${head("/v1/events?topic=video:a%00")}\r\n`,
      400,
      "invalid-topic",
    ],
    [
      "a topic with a separator in it",
      `${head("/v1/events?topic=video:a%2Fb")}\r\n`,
      400,
      "invalid-topic",
    ],
    [
      "a topic of bytes that are no UTF-8",
      `${head("/v1/events?topic=video:%ff%fe")}\r\n`,
      400,
      "invalid-topic",
    ],
    [
      "a position with a line end in it",
      `${head("/v1/events?topic=video:a&last_event_id=1%0d%0a~~~")}\r\n`,
      400,
      "invalid-position",
    ],
    [
      "a position of 9,000 characters",
      `${head(`/v1/events?topic=video:a&last_event_id=1~~~${"a".repeat(9000)}`)}\r\n`,
      400,
      "invalid-position",
    ],
    [
      "a video with a line end in its id",
      `${head("/v1/videos/a%0d%0ab/comments")}\r\n`,
      400,
      "invalid-id",
    ],
    [
      "a Host that is none",
      'GET /v1/events?topic=video:a HTTP/1.1\r\nHost: a b"<>\r\n\r\n',
      400,
      "invalid-request",
    ],
    [
      "a Host that continues as a query",
      "GET /v1/events HTTP/1.1\r\nHost: x?topic=video:b\r\n\r\n",
      400,
      "invalid-request",
    ],
    [
      "a method that is none of ours",
      "TRACE /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
      404,
      "not-found",
    ],
    ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"],
    [
      "likes of 5,000 bytes",
      "POST /v1/videos/a/likes HTTP/1.1\r\nHost: x\r\n" +
        `Content-Length: 5000\r\n\r\n${"a".repeat(5000)}`,
      413,
      "body-too-large",
    ],
  ];
  for (const [what, bytes, status, code] of wrong) {
    test(`${what} is answered ${status} ${code} and counted`, async () => {
      const counted = await server.metric("ovation_http_problems_total", { code });
      const enough = (text: string) => text.includes('"code"');
      const { statuses, text } = await rawRequest({
        port: server.port,
        bytes,
        enough,
        withinMs: 15_000,
      });
      expect({ statuses, code: /"code":"([^"]+)"/.exec(text)?.[1] }).toEqual({
        statuses: [status],
        code,
      });
      expect(await server.metric("ovation_http_problems_total", { code })).toBeGreaterThan(counted);
    });
  }

  test("a body over the limit of the whole server is refused before it is read", async () => {
    const length = 64 * MEGABYTE;
    const request = `POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
    const { statuses, closed } = await rawRequest({
      port: server.port,
      bytes: request,
      withinMs: 15_000,
    });
    expect({ statuses, closed }).toEqual({ statuses: [413], closed: true });
  });

  test("a body in endless chunks is refused when it is too long", async () => {
    const start = "POST /v1/publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `10000\r\n${"a".repeat(65_536)}\r\n`;
    const { statuses } = await rawRequest({
      port: server.port,
      bytes: start + chunk.repeat(80),
      enough: (text) => text !== "",
      withinMs: 15_000,
    });
    expect(statuses.filter((status) => status < 400)).toEqual([]);
    expect(await server.isReady()).toBe(true);
  });

  test("absolute URLs, a forged address header, HTTP/1.0 with a Host: ordinary", async () => {
    const enough = (text: string) => text.includes("connectionId");
    for (const bytes of [
      "GET http://elsewhere.example/v1/events?topic=video:a HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /v1/events?topic=video:a HTTP/1.1\r\nHost: x\r\n" +
        "X-Ovation-Address: 10.0.0.1\r\nLast-Event-ID: junk~\r\n\r\n",
      "GET /v1/events?topic=video:a HTTP/1.0\r\nHost: x\r\n\r\n",
    ]) {
      const { text, statuses } = await rawRequest({
        port: server.port,
        bytes,
        enough,
        withinMs: 15_000,
      });
      expect(statuses).toEqual([200]);
      expect(text).toContain("event: connection");
      if (bytes.includes("HTTP/1.0")) expect(text.toLowerCase()).not.toContain("chunked");
    }
  });

  test("a HEAD of the stream ends at once", async () => {
    const { statuses } = await rawRequest({
      port: server.port,
      bytes: "HEAD /v1/events?topic=video:a HTTP/1.1\r\nHost: x\r\n\r\n",
      enough: () => true,
      withinMs: 15_000,
    });
    expect(statuses).toEqual([405]);
  });
});
