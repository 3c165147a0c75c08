/**
 * What an EventSource of a real browser makes of a server that has no room, or that goes: it comes
 * back by itself.
 */

import { expect, test } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { ReportingPage } from "./reporting-page.ts";

/** What a `comment` has at least, also from a server. */
const AUTHOR = { id: "ana", name: "Ana", role: "member" };
const TOPIC = "video:overload";
const CONNECTING = 0;

let server: Server;
let page: ReportingPage;
test.beforeAll(async () => {
  server = await Server.start({ flags: ["--connections-max", "1"] });
  page = new ReportingPage();
  await page.listen();
});
test.afterAll(async () => {
  page.close();
  await server.stop();
});

test("is refused, connects when there is room, and returns whole after a drain", async ({
  page: browserPage,
}) => {
  test.setTimeout(60_000);
  const seat = new AbortController();
  const seated = await fetch(`${server.url}/v1/events?topic=${TOPIC}`, { signal: seat.signal });
  expect(seated.status).toBe(200);

  await browserPage.goto(page.url(`${server.url}/v1/events?topic=${TOPIC}`));
  await expect.poll(() => page.of("first", "reconnect").length).toBe(1);
  const { afterMs = Number.NaN, reason } = page.of("first", "reconnect")[0]?.data ?? {};
  expect(reason).toBe("full");
  expect(page.of("first", "connection").length).toBe(0);
  // It has not given up: after any answer but 200 it would be CLOSED (2), for good.
  await expect.poll(() => page.of("first", "error").at(-1)?.readyState).toBe(CONNECTING);
  const refusedAt = Date.now();

  seat.abort();
  await expect
    .poll(() => page.of("first", "connection").length, { timeout: afterMs + 15_000 })
    .toBe(1);
  // No sooner than the `retry` says (a report arrives a moment later).
  expect(Date.now() - refusedAt).toBeGreaterThan(afterMs - 1500);

  await server.publish([
    { topic: TOPIC, type: "comment", data: { text: "before", author: AUTHOR }, durable: true },
  ]);
  await expect.poll(() => page.of("first", "comment").length).toBe(1);
  await server.end();
  await expect.poll(() => page.of("first", "reconnect").at(-1)?.data.reason).toBe("drain");
  await server.run();
  await server.publish([
    {
      topic: TOPIC,
      type: "comment",
      data: { text: "while it was away", author: AUTHOR },
      durable: true,
    },
  ]);
  await expect
    .poll(() => page.of("first", "comment").map(({ data }) => data.seq), { timeout: 20_000 })
    .toEqual([1, 2]);
  expect(page.of("first", "error").every(({ readyState }) => readyState === CONNECTING)).toBe(true);
});
