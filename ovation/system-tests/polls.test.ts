/** Long polls: the contract of the stream, for clients behind something that holds streams back. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, createClient } from "@ovation/client";
import { EventSource } from "eventsource";
import { Server } from "../../testing/server.ts";
import { token } from "../../testing/token.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { startBufferingProxy } from "./testing/buffering-proxy.ts";

interface Polled {
  readonly id?: string;
  readonly type: string;
  readonly topic?: string;
  readonly seq?: number;
  readonly data?: { readonly number?: number; readonly viewers?: number };
  readonly connectionId?: string;
  readonly topics?: Readonly<Record<string, { head: number; recovered: boolean }>>;
  readonly afterMs?: number;
  readonly reason?: string;
}
interface Answer {
  readonly connectionId?: string;
  readonly position?: string;
  readonly events: readonly Polled[];
}

let server: Server;
beforeAll(async () => {
  server = await Server.start({ flags: ["--rate-limits", "off"] });
}, 30_000);
afterAll(async () => {
  await server.stop();
});

async function ask(
  topic: string,
  after?: Answer,
  { signal, bearer }: { signal?: AbortSignal; bearer?: string } = {},
): Promise<Answer> {
  const parameters = new URLSearchParams({ topic });
  if (after?.connectionId !== undefined) parameters.set("connection", after.connectionId);
  if (after?.position !== undefined) parameters.set("last_event_id", after.position);
  const response = await server.get(`/v1/events?${parameters}`, {
    headers: {
      accept: "application/json",
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(signal === undefined ? {} : { signal }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toStartWith("application/json");
  return (await response.json()) as Answer;
}

function goal(topic: string, number: number, durable = true) {
  return { topic, type: "goal", data: { number }, durable };
}

function numbers(events: readonly Polled[]): readonly (number | undefined)[] {
  return events.filter(({ type }) => type === "goal").map(({ data }) => data?.number);
}

describe("a poll", () => {
  test("returns at once with the first event, then when there is news", async () => {
    const topic = "video:poll-first";
    const startedAt = performance.now();
    const first = await ask(topic);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(first.events[0]).toMatchObject({
      type: "connection",
      connectionId: first.connectionId ?? "",
      topics: { [topic]: { head: 0, recovered: true } },
    });
    const second = ask(topic, first);
    await Bun.sleep(1500);
    await server.publish([goal(topic, 1)]);
    // Viewer counts are news too: polls that bring only those precede the one with the event.
    let answer = await second;
    const goalOf = ({ events }: Answer) => events.find(({ type }) => type === "goal");
    while (goalOf(answer) === undefined) answer = await ask(topic, answer);
    const event = goalOf(answer);
    expect(event).toMatchObject({ topic, seq: 1, data: { number: 1 } });
    expect(event?.id).toStartWith("1~");
    expect(answer.connectionId).toBe(first.connectionId ?? "");
  });

  test("brings every event once and in order, whatever comes between two of them", async () => {
    const topic = "video:poll-busy";
    let answer = await ask(topic);
    const connects = await server.metric("ovation_frontend_connects_total");
    const seen: (number | undefined)[] = [];
    const publishing = (async () => {
      for (let number = 1; number <= 150; number++) {
        await server.publish([goal(topic, number, number % 2 === 0)]);
        await Bun.sleep(5);
      }
    })();
    while (seen.length < 150) {
      answer = await ask(topic, answer);
      seen.push(...numbers(answer.events));
      await Bun.sleep(20);
    }
    await publishing;
    expect(seen).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
    expect(await server.metric("ovation_frontend_connects_total")).toBe(connects);
  });

  test("whose response was lost gets the same events again", async () => {
    const topic = "video:poll-lost";
    const first = await ask(topic);
    const gone = new AbortController();
    const lost = ask(topic, first, { signal: gone.signal }).catch(() => undefined);
    await Bun.sleep(100);
    gone.abort();
    await lost;
    await server.publish([goal(topic, 1, false)]);
    await Bun.sleep(200);
    const again = await ask(topic, first);
    expect(numbers(again.events)).toEqual([1]);
    // Named, it is confirmed; not named, it comes once more.
    expect(numbers((await ask(topic, first)).events)).toEqual([1]);
    await server.publish([goal(topic, 2, false)]);
    expect(numbers((await ask(topic, again)).events)).toEqual([2]);
  });

  test("in place of another one of the same client ends that one with nothing", async () => {
    const topic = "video:poll-twice";
    const first = await ask(topic);
    const older = ask(topic, first);
    await Bun.sleep(50);
    const newer = ask(topic, first);
    await server.publish([goal(topic, 1)]);
    expect(numbers((await older).events)).toEqual([]);
    expect(numbers((await newer).events)).toEqual([1]);
  });

  test("is one viewer for as long as it polls, and none when it stops", async () => {
    const topic = "video:poll-count";
    const watcher = new Viewer({ port: server.port, path: `/v1/events?topic=${topic}` });
    await until(() => watcher.isConnected, "the watcher");
    let answer = await ask(topic);
    const viewers = () => watcher.of("stats").map(({ data }) => data.viewers);
    await until(() => viewers().at(-1) === 2, "two viewers");
    for (let count = 0; count < 4; count++) {
      await server.publish([goal(topic, count)]);
      answer = await ask(topic, answer);
      await Bun.sleep(1200);
    }
    expect(viewers().slice(viewers().indexOf(2))).not.toContain(1);
    expect(viewers()).not.toContain(3);
    await until(() => viewers().at(-1) === 1, "the one who polled is gone", 20_000);
    watcher.close();
  }, 40_000);

  test("ends when a stream names its connection: one viewer all the time", async () => {
    const topic = "video:poll-stream";
    const path = `/v1/events?topic=${topic}`;
    const watcher = new Viewer({ port: server.port, path });
    const first = await ask(topic);
    const viewers = () => watcher.of("stats").map(({ data }) => data.viewers);
    await until(() => viewers().at(-1) === 2, "two viewers");
    const held = ask(topic, first);
    const parameters = `connection=${first.connectionId}&last_event_id=${first.position}`;
    const stream = new Viewer({ port: server.port, path: `${path}&${parameters}` });
    await held;
    await until(() => stream.isConnected, "the stream");
    await server.publish([goal(topic, 1)]);
    await until(() => stream.of("goal").length === 1, "the event");
    // Another client came and went: the number comes again, without the polled connection.
    const other = new Viewer({ port: server.port, path });
    await until(() => viewers().at(-1) === 3, "three viewers");
    expect(Math.max(...viewers().map(Number))).toBe(3);
    for (const viewer of [watcher, stream, other]) viewer.close();
  }, 20_000);

  test("of a closed connection continues at the position, on a new one", async () => {
    const topic = "video:poll-gone";
    const first = await ask(topic);
    await server.publish([goal(topic, 1), goal(topic, 2)]);
    const unknown = { ...first, connectionId: `${first.connectionId?.slice(0, -3)}AAA` };
    const answer = await ask(topic, unknown);
    expect(answer.connectionId).not.toBe(first.connectionId);
    expect(answer.events[0]).toMatchObject({
      type: "connection",
      topics: { [topic]: { recovered: true } },
    });
    const more = numbers(answer.events).length < 2 ? (await ask(topic, answer)).events : [];
    expect([...numbers(answer.events), ...numbers(more)]).toEqual([1, 2]);
  });

  test("by another person does not get the events of a connection whose id is known", async () => {
    const [alice, bob] = await Promise.all([
      token({ sub: "alice", subscribe: ["member:alice"] }),
      token({ sub: "bob" }),
    ]);
    const topic = "video:poll-person";
    const first = await ask(topic, undefined, { bearer: alice });
    await server.publish([{ topic: "member:alice", type: "secret", data: {}, durable: true }]);
    for (const bearer of [bob, undefined]) {
      const other = await ask(topic, first, bearer === undefined ? {} : { bearer });
      expect(other.connectionId).not.toBe(first.connectionId);
      expect(other.events.map(({ type }) => type)).not.toContain("secret");
    }
    const own = await ask(topic, first, { bearer: alice });
    expect(own.events.map(({ type }) => type)).toContain("secret");
  });

  test("is for those who accept JSON and no event stream", async () => {
    for (const [accept, type] of [
      ["application/json", "application/json"],
      ["application/json, text/event-stream;q=0", "application/json"],
      ["application/json, text/event-stream", "text/event-stream"],
      ["application/json, text/plain, */*", "text/event-stream"],
      ["text/html", "text/event-stream"],
      ["application/json;q=0", "text/event-stream"],
    ] as const) {
      const gone = new AbortController();
      const { signal } = gone;
      const path = "/v1/events?topic=video:poll-accept";
      const response = await server.get(path, { headers: { accept }, signal });
      expect([accept, response.headers.get("content-type")?.split(";")[0]]).toEqual([accept, type]);
      gone.abort();
    }
  });

  test("takes a place as a stream does, and is refused as one is", async () => {
    const small = await Server.start({ flags: ["--connections-max", "1"] });
    const headers = { accept: "application/json" };
    const path = "/v1/events?topic=video:small";
    const ask = async () => (await (await small.get(path, { headers })).json()) as Answer;
    const polled = await ask();
    expect(polled.events[0]?.type).toBe("connection");
    const viewer = new Viewer({ port: small.port, path });
    await until(() => viewer.seen.length > 0, "an answer");
    expect(viewer.seen[0]).toMatchObject({ type: "reconnect", data: { reason: "full" } });
    const refused = await ask();
    expect(refused).toEqual({
      events: [{ type: "reconnect", afterMs: expect.any(Number), reason: "full" }],
    });
    expect(refused.events[0]?.afterMs).toBeGreaterThanOrEqual(2000);
    expect(await small.metric("ovation_frontend_refusals_total", { reason: "full" })).toBe(2);
    const problem = await small.get("/v1/events?topic=member:bob", { headers });
    expect(problem.status).toBe(401);
    viewer.close();
    await small.stop();
  }, 30_000);

  test("that is held when the server goes away is told to come back", async () => {
    const other = await Server.start();
    const path = "/v1/events?topic=video:drain";
    const headers = { accept: "application/json" };
    const first = (await (await other.get(path, { headers })).json()) as Answer;
    const address = `${path}&connection=${first.connectionId}&last_event_id=${first.position}`;
    const held = other.get(address, { headers });
    await Bun.sleep(200);
    const stopping = other.end();
    const last = (await (await held).json()) as Answer;
    expect(last.events.at(-1)).toMatchObject({ type: "reconnect", reason: "drain" });
    expect(last.connectionId).toBeUndefined();
    await stopping;
    await other.stop();
  }, 30_000);
});

test("the SDK returns to a stream, as one viewer, after the server was down", async () => {
  const topic = "video:sdk-down";
  const restarted = await Server.start();
  const client = createClient({
    url: restarted.url,
    eventSource: EventSource,
    shareTabs: false,
    retryMs: { first: 100, longest: 500 },
  });
  client.subscribe(topic, {});
  await until(() => client.state.name === "connected", "connected");
  await restarted.kill();
  await Bun.sleep(2500);
  await restarted.run();
  const watcher = new Viewer({ port: restarted.port, path: `/v1/events?topic=${topic}` });
  const viewers = () => watcher.of("stats").map(({ data }) => data.viewers);
  await until(() => viewers().at(-1) === 2, "two viewers", 15_000);
  const connections = () => restarted.metric("ovation_frontend_connections");
  await until(async () => (await connections()) === 2, "two connections");
  const polls = await restarted.metric("ovation_frontend_polls_total");
  // An event answers a poll that is held; a client that polls on asks again.
  await restarted.publish([goal(topic, 1)]);
  await Bun.sleep(1000);
  expect(await restarted.metric("ovation_frontend_polls_total")).toBe(polls);
  expect(Math.max(...viewers().map(Number))).toBe(2);
  client.close();
  watcher.close();
  await restarted.stop();
}, 60_000);

describe("the SDK behind something that lets no stream through", () => {
  const clients: Client[] = [];
  const forms = { EventSource, fetch: "fetch" as const };
  for (const [form, eventSource] of Object.entries(forms)) {
    for (const proxied of [
      { what: "holds streams back", holdsHead: false },
      { what: "holds their heads back too", holdsHead: true },
      { what: "breaks them", holdsHead: false, breaks: true },
    ]) {
      test.concurrent(`that ${proxied.what}, over ${form}: polls, every event once`, async () => {
        const topic = `video:held-${form}-${proxied.what.replaceAll(" ", "-")}`;
        const proxy = await startBufferingProxy(server.port, proxied);
        const client = createClient({ url: proxy.url, eventSource, shareTabs: false });
        clients.push(client);
        const seen: number[] = [];
        const topics = new Set<string>();
        client.subscribe(topic, {
          goal: ({ data }) => void seen.push((data as { number: number }).number),
        });
        await until(() => client.state.name === "connected", "connected", 20_000);
        for (let number = 1; number <= 20; number++) {
          await server.publish([goal(topic, number)]);
          await Bun.sleep(30);
        }
        await until(() => seen.length === 20, "all of them");
        // Another topic on the connection that is polled.
        client.subscribe(`${topic}-2`, { goal: ({ topic }) => void topics.add(topic) });
        await Bun.sleep(500);
        await server.publish([goal(`${topic}-2`, 1)]);
        await until(() => topics.size === 1, "the other topic");
        expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
        client.close();
        proxy.stop();
      }, 40_000);
    }
  }
  afterAll(() => {
    for (const client of clients) client.close();
  });
});
