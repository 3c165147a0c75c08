/** The SDK over real sockets, in each form of its transport. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import { until } from "../testing/until.ts";
import { ApiError, type Client, type ClientOptions, createClient } from "./mod.ts";
import { type FakeServer, problem, startFakeServer } from "./testing/fake-server.ts";

let server: FakeServer;
const clients: Client[] = [];

beforeEach(() => {
  server = startFakeServer();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

function open(options: ClientOptions = {}): Client {
  const client = createClient({
    url: server.url,
    retryMs: { first: 20, longest: 200 },
    shareTabs: false,
    ...options,
  });
  clients.push(client);
  return client;
}

function opens(): number {
  return server.requests.filter(({ path }) => path === "/v1/events").length;
}

const FORMS: Record<string, ClientOptions> = {
  fetch: { eventSource: "fetch" },
  "the eventsource package": { eventSource: EventSource },
};

for (const [form, options] of Object.entries(FORMS)) {
  describe(`over ${form}`, () => {
    test("comments arrive once and in order through a cut, on all topics", async () => {
      const client = open(options);
      const one: number[] = [];
      const two: number[] = [];
      client.subscribe("video:1", { comment: ({ seq }) => void one.push(seq ?? -1) });
      await until(() => client.state.name === "connected", "connected");
      let active = false;
      client.subscribe("video:2", {
        comment: ({ seq }) => void two.push(seq ?? -1),
        onSubscribed: () => {
          active = true;
        },
      });
      await until(() => active, "subscribed by PUT");
      for (let count = 0; count < 5; count++)
        for (const topic of ["video:1", "video:2"])
          server.model.publish(topic, "comment", { text: "é\n👍" });
      await until(() => two.length === 5, "live");
      server.cut();
      for (let count = 0; count < 5; count++)
        for (const topic of ["video:1", "video:2"])
          server.model.publish(topic, "comment", { text: "x" });
      await until(() => one.length === 10 && two.length === 10, "recovered");
      expect(one).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(two).toEqual(one);
    });

    test("an expired token is replaced by the callback, and the stream resumes", async () => {
      let issued = 0;
      let valid = "token-1";
      const client = open({ ...options, token: async () => `token-${++issued}` });
      server.script = ({ token }) => (token === valid ? undefined : problem(401, "token-expired"));
      const seqs: number[] = [];
      client.subscribe("video:1", { comment: ({ seq }) => void seqs.push(seq ?? -1) });
      await until(() => client.state.name === "connected", "connected");
      server.model.publish("video:1", "comment", {});
      await until(() => seqs.length === 1, "live");
      valid = "token-2";
      server.cut();
      server.model.publish("video:1", "comment", {});
      await until(() => seqs.length === 2, "recovered");
      expect(seqs).toEqual([1, 2]);
      expect(issued).toBe(2);
      server.write('data: {"type":"reconnect","afterMs":0,"reason":"token-expired"}\n\n');
      valid = "token-3";
      await until(
        () => issued === 3 && client.state.name === "connected",
        "renewed when the server asked",
      );
    });

    test("an invalid token ends the stream until there is another one", async () => {
      const client = open({ ...options, token: "wrong" });
      server.script = ({ token }) =>
        token === "right" ? undefined : problem(401, "token-invalid");
      client.subscribe("video:1", {});
      await until(() => client.state.name === "failed", "failed");
      expect(client.state).toMatchObject({ reason: "token-invalid" });
      client.setToken("right");
      await until(() => client.state.name === "connected", "connected");
    });

    test("204 means stop", async () => {
      const client = open(options);
      server.script = () => new Response(null, { status: 204 });
      client.subscribe("video:1", {});
      await until(() => client.state.name === "failed", "failed");
      expect(client.state).toMatchObject({ reason: "stopped" });
    });

    test("a failing server is retried", async () => {
      const client = open(options);
      let refusals = 3;
      server.script = () => (refusals-- > 0 ? problem(503, "unavailable") : undefined);
      client.subscribe("video:1", {});
      await until(() => client.state.name === "connected", "connected");
    });

    test("one forbidden topic is reported, and the others are served", async () => {
      const client = open(options);
      server.model.refused.set("member:bob", "forbidden");
      server.script = ({ path, url }) =>
        path === "/v1/events" && url.searchParams.getAll("topic").includes("member:bob")
          ? problem(403, "forbidden", { topic: "member:bob" })
          : undefined;
      const refused: string[] = [];
      let subscribed = 0;
      for (const topic of ["video:1", "member:bob", "video:2"]) {
        client.subscribe(topic, {
          onSubscribed: () => void subscribed++,
          onRefused: (code) => void refused.push(`${topic} ${code}`),
        });
      }
      await until(() => subscribed === 2 && refused.length === 1, "others subscribed");
      expect(refused).toEqual(["member:bob forbidden"]);
    });
  });
}

for (const eventSource of [EventSource, "fetch"] as const) {
  const form = eventSource === "fetch" ? "fetch" : "EventSource";
  test(`over ${form} no type costs a reconnect: unknown, EventSource's or Object's`, async () => {
    const client = open({ eventSource });
    const seen: string[] = [];
    client.subscribe("video:1", {
      comment: ({ seq }) => void seen.push(`comment ${seq}`),
      error: ({ seq }) => void seen.push(`error ${seq}`),
    });
    await until(() => client.state.name === "connected", "connected");
    for (const type of ["goal", "error", "open", "message", "constructor", "comment"])
      server.model.publish("video:1", type, {});
    await until(() => seen.length === 2, "the comment behind the others");
    // A callback that is added later gets its type on the same connection.
    client.subscribe("video:1", { poll: ({ seq }) => void seen.push(`poll ${seq}`) });
    client.subscribe("video:1", { onEvent: ({ type }) => void seen.push(`any ${type}`) });
    server.model.publish("video:1", "poll", {});
    await until(() => seen.length === 4, "the poll");
    expect(seen).toEqual(["error 2", "comment 6", "poll 7", "any poll"]);
    await Bun.sleep(3000);
    expect(opens()).toBe(1);
  });
}

test("a server that names its events is read by fetch, which sees every name", async () => {
  server.hasMessages = false;
  const client = open({ eventSource: EventSource });
  const seen: string[] = [];
  client.subscribe("video:1", { onEvent: ({ type }) => void seen.push(type) });
  await until(() => client.state.name === "connected", "connected");
  for (const type of ["goal", "comment", "message"]) server.model.publish("video:1", type, {});
  await until(() => seen.length === 3, "all events");
  expect(seen).toEqual(["goal", "comment", "message"]);
  expect(opens()).toBe(2);
});

describe("the HTTP API", () => {
  test("a comment whose response was lost is stored once by its clientId", async () => {
    const client = open();
    let losses = 2;
    const lossy = (async (...parameters: Parameters<typeof fetch>) => {
      const response = await fetch(...parameters);
      if (losses-- > 0) throw new TypeError("the response was lost");
      return response;
    }) as unknown as typeof fetch;
    const stored = await open({ fetch: lossy }).video("7").comment("hello", { replyTo: 3 });
    expect(stored).toMatchObject({ seq: 1, text: "hello" });
    expect(server.model.log("video:7")).toHaveLength(1);
    const posts = server.requests.filter(({ method }) => method === "POST");
    expect(posts).toHaveLength(3);
    expect(new Set(posts.map(({ body }) => body["clientId"])).size).toBe(1);
    expect(posts[0]?.body).toMatchObject({ text: "hello", replyTo: 3 });
    await client.video("7").comment("again", { clientId: "mine" });
    expect(server.requests.at(-1)?.body).toEqual({ text: "again", clientId: "mine" });
  });

  test("a refusal has its code, status and wait", async () => {
    server.script = () => problem(429, "rate-limited", { retryAfterMs: 1500, detail: "slower" });
    const error = await open()
      .video("7")
      .comment("x")
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: "rate-limited",
      status: 429,
      detail: "slower",
      retryAfterMs: 1500,
    });
    expect(server.requests).toHaveLength(1);
  });

  test("a rate-limited read is retried after the wait that the server names", async () => {
    let refusals = 2;
    server.script = () =>
      refusals-- > 0
        ? problem(429, "rate-limited", { retryAfterMs: 50, detail: "slower" })
        : Response.json({ comments: [], head: 3 });
    const began = performance.now();
    expect(await open().video("7").history()).toEqual({ comments: [], head: 3 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(100);
    expect(server.requests).toHaveLength(3);
    server.script = () => problem(429, "rate-limited", { retryAfterMs: 60_000, detail: "later" });
    const refused = open().request("GET", "/v1/conversations");
    expect(await refused.catch((reason: unknown) => reason)).toMatchObject({
      code: "rate-limited",
    });
    expect(server.requests).toHaveLength(4);
  });

  test("an error response without a problem document is an ApiError too", async () => {
    server.script = () =>
      new Response("<h1>no</h1>", { status: 500, headers: { "retry-after": "2" } });
    const error = await open()
      .video("7")
      .info()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "http-500", status: 500, retryAfterMs: 2000 });
  });

  test("no response is the code `network`", async () => {
    const error = await open({ url: "http://127.0.0.1:1" })
      .video("7")
      .info()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "network", status: 0 });
  });

  test("an expired token is renewed once for concurrent requests", async () => {
    let issued = 0;
    const client = open({ token: () => `token-${++issued}` });
    server.script = ({ token }) =>
      token === "token-2"
        ? Response.json({ comments: [], head: 0 })
        : problem(401, "token-expired");
    await Promise.all([1, 2, 3].map(() => client.video("7").history({ after: 3, limit: 10 })));
    expect(issued).toBe(2);
    expect(server.requests.at(-1)?.url.search).toBe("?after=3&limit=10");
  });

  test("a guest's token is used from then on, by requests and by the stream", async () => {
    const client = open();
    client.subscribe("video:1", {});
    await until(() => client.state.name === "connected", "connected");
    expect(await client.guest("Ana")).toEqual({
      token: "guest-token",
      member: { id: "g1", name: "Ana" },
    });
    await until(() => opens() === 2, "connects again");
    await client.video("7").comment("x");
    expect(server.requests.at(-1)?.token).toBe("guest-token");
    expect(
      server.requests.find(({ path, token }) => path === "/v1/events" && token === "guest-token"),
    ).toBeDefined();
  });

  test("taps of two handles of one video share its one request a second", async () => {
    const client = open();
    client.video("7").like();
    client.video("7").like("like", 2);
    await until(() => server.requests.length === 1, "likes");
    expect(server.requests[0]?.body).toEqual({ kind: "like", count: 3 });
  });
});
