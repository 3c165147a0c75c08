/** Calls from other data centres that are not in order. */

import { afterEach, expect, test } from "bun:test";
import { toJsonText } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { datacenter, endDatacenters, goal } from "../testing/datacenters.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import {
  DATACENTER_PATH,
  FORWARD_CALL_BYTES_MAX,
  FORWARD_CALL_EVENTS_MAX,
  FORWARD_LIFE_CHARACTERS_MAX,
  FORWARD_PATH,
  formatPeerCaller,
  PEER_VIEWERS_PATH,
  PEER_VIEWERS_TOPICS_MAX,
  WANTED_CALL_TOPICS_MAX,
  WANTED_PATH,
} from "./peer.ts";
import { DATACENTER_CALL_BYTES_MAX } from "./routes.ts";

afterEach(endDatacenters);

test("forged, replayed, foreign, malformed and oversized batches are refused", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inB = b.dispatcher();
  const other = b.dispatcher();
  const from = formatPeerCaller("a", "dispatcher1");
  const { life } = await b.shared.claim("of this test", 1000);
  const body = (number: number, events = "video:1 goal 1\n{}\n", of = life) =>
    `${JSON.stringify({ number, id: `dispatcher1.${number}`, life: of })}\n${events}`;
  async function post(
    text: string,
    options: {
      from?: string;
      to?: string;
      secret?: string;
      headers?: Record<string, string>;
      url?: string;
    } = {},
  ) {
    const headers =
      options.headers ??
      testAuth(options.secret).sign({
        method: "POST",
        path: FORWARD_PATH,
        from: options.from ?? from,
        to: options.to ?? "b",
        body: text,
      });
    return (
      await fetch((options.url ?? inB.listener.url) + FORWARD_PATH, {
        method: "POST",
        headers,
        body: text,
      })
    ).status;
  }
  const sign = () =>
    testAuth().sign({ method: "POST", path: FORWARD_PATH, from, to: "b", body: body(1) });
  const recorded = sign();
  expect(await post(body(1), { headers: recorded })).toBe(200);
  // Replayed to the same dispatcher, to another one; or signed again with the same id.
  expect(await post(body(1), { headers: recorded })).toBe(401);
  expect(await post(body(1), { headers: recorded, url: other.listener.url })).toBe(200);
  expect(await post(body(1))).toBe(200);
  expect(inB.peerRoutes.stats.duplicates + other.peerRoutes.stats.duplicates).toBe(2);
  // Of a past epoch of the store, in which it may have been taken: not taken.
  expect(await post(body(2, undefined, "another"))).toBe(200);
  expect(inB.peerRoutes.stats).toMatchObject({ outlived: 1, events: 1 });
  expect(await post(body(2), { secret: "not the secret of these tests" })).toBe(401);
  expect(await post(body(2), { headers: {} })).toBe(401);
  expect(await post(body(2), { to: "c" })).toBe(401);
  expect(await post(body(2), { from: "dispatcher x" })).toBe(401);
  expect(await post(body(2), { from: formatPeerCaller("b", "dispatcher1") })).toBe(400);
  for (const text of [
    "",
    "x",
    body(0),
    '{"number":2}\n',
    body(2, "video:1 goal 1\nno json\n"),
    body(2, "video:1 goal\n{}\n"),
    body(2, "video:1 goal 1\n{}"),
  ]) {
    expect(await post(text)).toBe(400);
  }
  expect(await post(body(2, "video:1 goal 1\n{}\n".repeat(FORWARD_CALL_EVENTS_MAX + 1)))).toBe(400);
  expect(await post("x".repeat(FORWARD_CALL_BYTES_MAX + 1))).toBe(413);
  const topics = JSON.stringify({ topics: ["video:*"] });
  const headers = testAuth().sign({
    method: "POST",
    path: PEER_VIEWERS_PATH,
    from,
    to: "b",
    body: topics,
  });
  expect(
    (await fetch(inB.listener.url + PEER_VIEWERS_PATH, { method: "POST", headers, body: topics }))
      .status,
  ).toBe(400);
  const question = testAuth().sign({
    method: "POST",
    path: WANTED_PATH,
    from,
    to: "b",
    body: topics,
  });
  expect(
    (
      await fetch(inB.listener.url + WANTED_PATH, {
        method: "POST",
        headers: question,
        body: topics,
      })
    ).status,
  ).toBe(400);
  expect(
    (await fetch(inB.listener.url + WANTED_PATH, { method: "POST", body: topics })).status,
  ).toBe(401);
  expect(inB.refusals).toMatchObject({
    replayed: 1,
    forged: 1,
    unsigned: 2,
    "not-the-caller": 2,
    malformed: 10,
    oversized: 1,
  });
  expect(inB.peerRoutes.stats.loops).toBe(1);
  await until(() => b.frontend.received.length > 0, "the good one was dispatched");
  await Bun.sleep(100);
  expect(b.frontend.received).toEqual([{ ...goal(1), data: toJsonText({}) }]);
  expect(a.frontend.received).toEqual([]);
});

test("WANTED_CALL_TOPICS_MAX, PEER_VIEWERS_TOPICS_MAX, FORWARD_LIFE_CHARACTERS_MAX", async () => {
  const inB = (await datacenter("b")).dispatcher();
  async function post(path: string, body: string) {
    const from = formatPeerCaller("a", "dispatcher1");
    const headers = testAuth().sign({ method: "POST", path, from, to: "b", body });
    return (await fetch(inB.listener.url + path, { method: "POST", headers, body })).status;
  }
  const asked = (count: number) =>
    JSON.stringify({ topics: Array.from({ length: count }, (_, index) => `video:${index}`) });
  for (const [path, most] of [
    [WANTED_PATH, WANTED_CALL_TOPICS_MAX],
    [PEER_VIEWERS_PATH, PEER_VIEWERS_TOPICS_MAX],
  ] as const) {
    expect(await post(path, asked(most))).toBe(200);
    expect(await post(path, asked(most + 1))).toBe(400);
  }
  const batch = (number: number, characters: number) =>
    `${JSON.stringify({ number, id: `d.${number}`, life: "x".repeat(characters) })}\n`;
  expect(await post(FORWARD_PATH, batch(1, FORWARD_LIFE_CHARACTERS_MAX))).toBe(200);
  expect(await post(FORWARD_PATH, batch(2, FORWARD_LIFE_CHARACTERS_MAX + 1))).toBe(400);
});

test("DATACENTER_CALL_BYTES_MAX: so many bytes are accepted; one more is refused", async () => {
  const inB = (await datacenter("b")).dispatcher();
  for (const [bytes, status] of [
    [DATACENTER_CALL_BYTES_MAX, 200],
    [DATACENTER_CALL_BYTES_MAX + 1, 413],
  ] as const) {
    const body = " ".repeat(bytes);
    const from = formatPeerCaller("a", "dispatcher1");
    const headers = testAuth().sign({
      method: "POST",
      path: DATACENTER_PATH,
      from,
      to: "",
      body,
    });
    const response = await fetch(inB.listener.url + DATACENTER_PATH, {
      method: "POST",
      headers,
      body,
    });
    expect(response.status).toBe(status);
  }
  expect(inB.refusals.oversized).toBe(1);
});
