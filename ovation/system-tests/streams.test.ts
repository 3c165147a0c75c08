/** What a stream looks like on the wire, to clients of every kind. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { rawRequest } from "./testing/raw-request.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
}, 30_000);
afterAll(async () => {
  await server.stop();
});

function ask(path: string, headers: string, version = "1.1", enough = "connectionId") {
  return rawRequest({
    port: server.port,
    bytes: `GET ${path} HTTP/${version}\r\nHost: localhost\r\n${headers}\r\n`,
    withinMs: 3000,
    enough: (text) => text.includes(enough),
  });
}

function goal(topic: string, number: number) {
  return { topic, type: "goal", data: { number }, durable: true };
}

describe("chunks", () => {
  test("over HTTP/1.1 each write is one whole chunk, the same for every connection", async () => {
    const topic = "video:chunks";
    const answers = [1, 2, 3].map(() =>
      ask(`/v1/events?topic=${topic}`, "", "1.1", '"number":3}}\n\n\r\n'),
    );
    await Bun.sleep(300);
    for (const number of [1, 2, 3]) {
      await server.publish([goal(topic, number)]);
      await Bun.sleep(30);
    }
    const bodies = (await Promise.all(answers)).map(({ text }) => {
      const [head = "", ...rest] = text.split("\r\n\r\n");
      expect(head.toLowerCase()).toContain("transfer-encoding: chunked");
      expect(head.toLowerCase()).toContain("content-type: text/event-stream; charset=utf-8");
      return rest.join("\r\n\r\n");
    });
    const goals = bodies.map((body) => {
      const chunks: string[] = [];
      for (let at = 0; at < body.length; ) {
        const line = body.indexOf("\r\n", at);
        const size = Number.parseInt(body.slice(at, line), 16);
        expect(size).toBeGreaterThan(0);
        chunks.push(body.slice(line + 2, line + 2 + size));
        expect(body.slice(line + 2 + size, line + 4 + size)).toBe("\r\n");
        at = line + 4 + size;
      }
      return chunks.filter((chunk) => chunk.includes("event: goal"));
    });
    expect(goals[0]?.length).toBe(3);
    expect(goals[1]).toEqual(goals[0] ?? []);
    expect(goals[2]).toEqual(goals[0] ?? []);
  });

  test("over HTTP/1.0 the stream is bare and ends with the connection", async () => {
    const { text } = await ask("/v1/events?topic=video:old", "", "1.0");
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head.toLowerCase()).not.toContain("transfer-encoding");
    expect(body).toMatch(/^retry: \d+\nid: /);
  });
});

describe("zstd", () => {
  const ACCEPTS = "Accept-Encoding: gzip, deflate, br, zstd\r\n";
  const BROWSER =
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n";
  const CHROMIUM =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
    "Chrome/141.0.0.0 Safari/537.36\r\n";
  const FIREFOX =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n";
  const SAFARI =
    "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 " +
    "(KHTML, like Gecko) CriOS/141.0.0.0 Mobile/15E148 Safari/604.1\r\n";
  const cases: readonly (readonly [what: string, path: string, headers: string, zstd: boolean])[] =
    [
      ["a client that accepts it by default (httpx, aiohttp, urllib3)", "", ACCEPTS, false],
      [
        "one that sends the mode alone, as fetch in Node does",
        "",
        `${ACCEPTS}Sec-Fetch-Mode: cors\r\n`,
        false,
      ],
      ["Chromium", "", ACCEPTS + BROWSER + CHROMIUM, true],
      ["Firefox", "", ACCEPTS + BROWSER + FIREFOX, true],
      ["a browser on iOS, whose decoder is Apple's", "", ACCEPTS + BROWSER + SAFARI, false],
      ["a browser that refuses it", "", `Accept-Encoding: gzip, zstd;q=0\r\n${BROWSER}`, false],
      ["one that asks by the parameter", "&encoding=zstd", "", true],
      [
        "a browser whose page asks for none",
        "&encoding=identity",
        ACCEPTS + BROWSER + CHROMIUM,
        false,
      ],
    ];
  for (const [what, path, headers, zstd] of cases) {
    test(`${what}: ${zstd ? "zstd frames" : "plain text"}`, async () => {
      const { text } = await ask(`/v1/events?topic=video:z${path}`, headers, "1.0", "\r\n\r\n");
      expect(text.toLowerCase().includes("content-encoding: zstd")).toBe(zstd);
      expect(text.toLowerCase()).toContain("vary: accept-encoding");
    });
  }

  test("asked for by the parameter is frames that decompress, in chunks", async () => {
    const viewer = new Viewer({
      port: server.port,
      path: "/v1/events?topic=video:zz&encoding=zstd",
    });
    await until(() => viewer.isConnected, "connected");
    await server.publish([goal("video:zz", 1)]);
    await until(() => viewer.of("goal").length === 1, "the goal");
    expect(viewer.head.toLowerCase()).toContain("content-encoding: zstd");
    expect(viewer.head.toLowerCase()).toContain("transfer-encoding: chunked");
    viewer.close();
  });

  test("a parameter that is misspelt is said", async () => {
    for (const query of ["encoding=zst", "events=names"]) {
      const response = await server.get(`/v1/events?topic=video:z&${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid-parameter" });
    }
  });
});

describe("a position", () => {
  const topic = "video:spelt";
  async function firstAnswer(query: string, headers: Record<string, string> = {}) {
    const viewer = new Viewer({
      port: server.port,
      path: `/v1/events?topic=${topic}${query}`,
      headers,
    });
    await until(() => viewer.isConnected || viewer.status >= 400, "an answer");
    await Bun.sleep(50);
    viewer.close();
    const [connection] = viewer.of("connection");
    return {
      status: viewer.status,
      recovered: connection?.data.topics[topic]?.recovered,
      seqs: viewer.seqs(topic),
    };
  }
  let ids: readonly string[] = [];
  async function publishThree(): Promise<readonly string[]> {
    if (ids.length > 0) return ids;
    const viewer = new Viewer({ port: server.port, path: `/v1/events?topic=${topic}` });
    await until(() => viewer.isConnected, "connected");
    const seen: string[] = [];
    for (const number of [1, 2, 3]) {
      await server.publish([goal(topic, number)]);
      await until(() => viewer.of("goal").length === number, "the goal");
      seen.push(encodeURIComponent(viewer.lastEventId));
    }
    viewer.close();
    ids = seen;
    return ids;
  }

  test("is taken in every usual spelling", async () => {
    const [, second] = await publishThree();
    for (const name of [
      "last_event_id",
      "lastEventId",
      "lastEventID",
      "Last-Event-ID",
      "last%5Fevent%5Fid",
      "-%4Cast-event-id",
      "last-event-id",
      "last_event_ID",
    ])
      expect(await firstAnswer(`&${name}=${second}`)).toEqual({
        status: 200,
        recovered: true,
        seqs: [3],
      });
  });

  test("is the last one in the address, then the header's; an empty one is none", async () => {
    const [first = "", second = ""] = await publishThree();
    const header = { "last-event-id": decodeURIComponent(first) };
    // As event-source-polyfill does it: behind what the page had written.
    expect((await firstAnswer(`&last_event_id=${first}&lastEventId=${second}`)).seqs).toEqual([3]);
    expect((await firstAnswer(`&lastEventId=${second}`, header)).seqs).toEqual([3]);
    expect((await firstAnswer("&lastEventId=", header)).seqs).toEqual([2, 3]);
    expect((await firstAnswer("", header)).seqs).toEqual([2, 3]);
  });

  test("that is not one of ours is never called recovered", async () => {
    await publishThree();
    const lost = { status: 200, recovered: false, seqs: [] };
    expect(await firstAnswer("&lastEventId=42")).toEqual(lost);
    expect(await firstAnswer("", { "last-event-id": "42" })).toEqual(lost);
    expect(await firstAnswer("", { "last-event-id": "x".repeat(9000) })).toEqual(lost);
    expect(await firstAnswer("&last_event_id=42")).toMatchObject({ status: 400 });
  });
});

describe("types inside data", () => {
  test("events=message: no event has a name, the first and the last one included", async () => {
    const topic = "video:inside";
    const viewer = new Viewer({
      port: server.port,
      path: `/v1/events?topic=${topic}&events=message`,
    });
    const named = new Viewer({ port: server.port, path: `/v1/events?topic=${topic}` });
    await until(() => viewer.seen.length === 1 && named.isConnected, "connected");
    await server.publish([goal(topic, 1)]);
    await until(() => viewer.seqs(topic).length === 1, "the goal");
    await until(() => named.of("goal").length === 1, "the named goal");
    expect(viewer.seen.map(({ type }) => type)).toEqual(Array.from(viewer.seen, () => "message"));
    expect(viewer.seen[0]?.data).toMatchObject({ type: "connection" });
    viewer.close();
    named.close();
  });
});
