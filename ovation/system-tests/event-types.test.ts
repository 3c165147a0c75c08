/**
 * Types are not in the way of the transport: whatever is published, no viewer of the SDK
 * reconnects.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, createClient } from "@ovation/client";
import { EventSource } from "eventsource";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const VIEWERS = 200;
const TOPIC = "video:types";

let server: Server;
const clients: Client[] = [];
beforeAll(async () => {
  server = await Server.start({ flags: ["--rate-limits", "off"] });
}, 30_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

test("200 viewers keep their streams through durable events of unknown types", async () => {
  const states: string[] = [];
  const comments: number[] = [];
  const polls: number[] = [];
  for (let index = 0; index < VIEWERS; index++) {
    const client = createClient({
      url: server.url,
      shareTabs: false,
      eventSource: index % 2 === 0 ? EventSource : "fetch",
    });
    clients.push(client);
    client.onState(({ name }) => states.push(name));
    client.subscribe(TOPIC, {
      comment: () => void comments.push(index),
      ...(index % 4 < 2 ? { poll: () => void polls.push(index) } : {}),
    });
  }
  await until(() => clients.every(({ state }) => state.name === "connected"), "all are there");
  states.length = 0;
  const types = ["poll", "goal", "penalty-shoot-out", "quiz.question"];
  for (const type of types)
    await server.publish([{ topic: TOPIC, type, data: { question: "who?" }, durable: true }]);
  const comment = { text: "behind them", author: { id: "a", name: "A", role: "member" } };
  await server.publish([{ topic: TOPIC, type: "comment", data: comment, durable: true }]);
  await until(() => comments.length === VIEWERS, "the comment behind them");
  // Longer than the SDK waits for a hole to close by itself.
  await Bun.sleep(3500);
  expect(states).toEqual([]);
  expect([new Set(comments).size, new Set(polls).size, polls.length]).toEqual([
    VIEWERS,
    VIEWERS / 2,
    VIEWERS / 2,
  ]);
  expect(await server.metric("ovation_frontend_connects_total")).toBe(VIEWERS);
}, 40_000);
