/**
 * The SDK against the real server: under Bun and Node, through `kill -9` in the middle of comments.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventSource } from "eventsource";
import { Server } from "../testing/server.ts";
import { until } from "../testing/until.ts";
import { ApiError, type Client, type ClientOptions, createClient } from "./mod.ts";
import { bundleForNode } from "./testing/node-bundle.ts";

const COMMENTS = 400;
const POSTERS = 8;

let server: Server;
let directory: string;
const clients: Client[] = [];

beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  directory = await mkdtemp(join(tmpdir(), "ovation-client-"));
  await bundleForNode(join(directory, "sdk.mjs"));
  await writeFile(join(directory, "program.mjs"), PROGRAM);
}, 30_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

/** Under Node: writes the numbers of received comments. */
const PROGRAM = `
import { createClient, EventSource } from "./sdk.mjs";
const [url, topic, form] = process.argv.slice(2);
const source = form === "eventsource" ? { eventSource: EventSource } : {};
const client = createClient({ url, retryMs: { first: 50, longest: 500 }, ...source });
client.subscribe(topic, {
  comment: ({ seq }) => console.log("comment " + seq),
  onSubscribed: ({ head }) => console.log("subscribed " + head),
  onReset: ({ head }) => console.log("reset " + head),
});
process.stdin.on("end", () => client.close()).resume();
`;

function open(options: ClientOptions): Client {
  const client = createClient({
    url: server.url,
    retryMs: { first: 50, longest: 500 },
    ...options,
  });
  clients.push(client);
  return client;
}

interface Viewer {
  readonly name: string;
  readonly lines: string[];
  stop(): Promise<void>;
}

function watchHere(name: string, topic: string, options: ClientOptions): Viewer {
  const lines: string[] = [];
  const client = open(options);
  client.subscribe(topic, {
    comment: ({ seq }) => void lines.push(`comment ${seq}`),
    onSubscribed: ({ head }) => void lines.push(`subscribed ${head}`),
    onReset: ({ head }) => void lines.push(`reset ${head}`),
  });
  return { name, lines, stop: async () => client.close() };
}

function watchUnderNode(name: string, topic: string, form: string): Viewer {
  const lines: string[] = [];
  const command = ["node", join(directory, "program.mjs"), server.url, topic, form];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const reading = (async () => {
    let rest = "";
    for await (const chunk of child.stdout) {
      const parts = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    }
  })();
  return {
    name,
    lines,
    async stop() {
      await child.stdin.end();
      await reading;
    },
  };
}

test("every viewer gets each acknowledged comment once, in order, through a kill", async () => {
  const topic = "video:killed";
  const viewers = [
    watchHere("Bun, fetch", topic, { eventSource: "fetch" }),
    watchHere("Bun, eventsource", topic, { eventSource: EventSource }),
    watchUnderNode("Node, fetch", topic, "fetch"),
    watchUnderNode("Node, eventsource", topic, "eventsource"),
  ];
  await until(() => viewers.every(({ lines }) => lines.length > 0), "all subscribed", 15_000);

  const poster = open({});
  await poster.guest("Poster");
  const video = poster.video("killed");
  const acknowledged: number[] = [];
  let next = 0;
  async function post(): Promise<void> {
    while (next < COMMENTS) {
      const clientId = `comment-${next++}`;
      for (;;) {
        try {
          acknowledged.push((await video.comment(clientId, { clientId })).seq);
          break;
        } catch (error) {
          if (!(error instanceof ApiError && error.code === "network")) throw error;
        }
      }
    }
  }
  const posting = Promise.all(Array.from({ length: POSTERS }, post));
  await until(() => acknowledged.length >= COMMENTS / 4, "a quarter posted", 15_000);
  await server.kill();
  await server.run();
  await posting;

  const expected = Array.from({ length: COMMENTS }, (_, index) => index + 1);
  expect(acknowledged.toSorted((a, b) => a - b)).toEqual(expected);
  const all = ["subscribed 0", ...expected.map((seq) => `comment ${seq}`)];
  await until(
    () => viewers.every(({ lines }) => lines.length >= all.length),
    "all have all",
    15_000,
  );
  for (const viewer of viewers) await viewer.stop();
  for (const { name, lines } of viewers) expect({ name, lines }).toEqual({ name, lines: all });
}, 60_000);

test("history, likes, removal and a topic added later follow the contract", async () => {
  const client = open({});
  const { token, member } = await client.guest("Ana");
  expect(token.length).toBeGreaterThan(0);
  const video = client.video("contract");
  const events: string[] = [];
  client.subscribe("video:other", {});
  await until(() => client.state.name === "connected", "connected");
  let subscribed = false;
  client.subscribe(video.topic, {
    comment: ({ seq, data }) => void events.push(`comment ${seq} ${data.text} ${data.author.name}`),
    "comment-removed": ({ data }) => void events.push(`removed ${data.seq}`),
    likes: ({ data }) => void events.push(`likes ${data.total["like"]}`),
    onSubscribed: () => {
      subscribed = true;
    },
  });
  await until(() => subscribed, "subscribed by PUT");
  const first = await video.comment("one", { clientId: "a" });
  expect(await video.comment("one", { clientId: "a" })).toEqual(first);
  const second = await video.comment("two");
  expect(second.author.id).toBe(member.id);
  await video.remove(first.seq);
  await until(() => events.length === 3, "durable events");
  expect(events).toEqual(["comment 1 one Ana", "comment 2 two Ana", "removed 1"]);
  for (let tap = 0; tap < 3; tap++) video.like();
  await until(() => events.length === 4, "likes");
  expect(events.at(-1)).toBe("likes 3");
  const { comments, head } = await video.history();
  expect(comments.map(({ seq, text }) => `${seq} ${text}`)).toEqual(["2 two"]);
  expect(head).toBe(3);
  expect((await video.info()).id).toBe("contract");
}, 30_000);

test("a refused request has its documented code", async () => {
  const client = open({});
  const video = client.video("refusals");
  expect(await video.comment("x").catch((error: unknown) => error)).toMatchObject({
    code: "token-missing",
    status: 401,
  });
  await client.guest("Ana");
  expect(await video.comment("x".repeat(201)).catch((error: unknown) => error)).toMatchObject({
    code: "text-too-long",
    status: 400,
  });
  const refused: string[] = [];
  let subscribed = false;
  client.subscribe("member:somebody-else", { onRefused: (code) => void refused.push(code) });
  client.subscribe(video.topic, {
    onSubscribed: () => {
      subscribed = true;
    },
  });
  await until(() => subscribed, "the allowed topic");
  expect(refused).toEqual(["forbidden"]);
}, 30_000);
