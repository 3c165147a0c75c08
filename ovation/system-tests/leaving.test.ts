/**
 * How connections end from the server's side: always so that a browser's EventSource comes back,
 * and never all at once.
 */

import { expect, test } from "bun:test";
import { RETURN_SPREAD_MS } from "@ovation/frontend";
import { Server } from "../../testing/server.ts";
import { token } from "../../testing/token.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

const CONNECTIONS_MAX = 120;
/** 3 s, give or take a quarter. */
const LIFETIME_MS = { min: 2250, max: 3750 };
/** Whole milliseconds of one clock, fractions of another. */
const CLOCK_MS = 2;

function viewers(count: number, options: ConstructorParameters<typeof Viewer>[0]): Viewer[] {
  return Array.from({ length: count }, () => new Viewer(options));
}

function closeAll(all: readonly Viewer[]): void {
  for (const viewer of all) viewer.close();
}

test.concurrent("a lifetime ends at a random time, and frees its place", async () => {
  const limits = ["--connections-max", String(CONNECTIONS_MAX), "--connects-per-second", "60"];
  const server = await Server.start({
    flags: ["--heartbeat-seconds", "1", "--lifetime-minutes", "0.05", ...limits],
  });
  const topic = "video:short";
  const all = viewers(50, { port: server.port, path: `/v1/events?topic=${topic}`, returns: true });
  const published: number[] = [];
  const publishing = (async () => {
    for (let number = 1; number <= 40; number++) {
      const [seq] = await server.publish([
        { topic, type: "note", data: { number }, durable: true },
      ]);
      if (seq !== undefined) published.push(seq);
      await Bun.sleep(200);
    }
  })();
  await until(
    () => all.every((viewer) => viewer.connected.length >= 2),
    "all came back once",
    25_000,
  );
  // From the request, which is before the admission: a busy machine makes it longer, never shorter.
  // How the ends are spread is held by `frontend/connections/lifetime.test.ts`, whose clock no
  // machine delays.
  const openMs = all.map((viewer) => (viewer.gone[0] ?? 0) - (viewer.asked[0] ?? 0));
  expect(Math.min(...openMs)).toBeGreaterThanOrEqual(LIFETIME_MS.min - CLOCK_MS);
  const ends = all.map((viewer) => viewer.of("reconnect")[0]?.data);
  for (const end of ends) expect(end).toMatchObject({ reason: "lifetime" });
  expect(new Set(ends.map((end) => end?.afterMs)).size).toBeGreaterThan(25);
  await publishing;
  await until(
    () => all.every((viewer) => viewer.seqs(topic).at(-1) === published.at(-1)),
    "all have the last comment",
    20_000,
  );
  // Who came before the first comment has all of them: in order, once each, over all its
  // connections.
  for (const viewer of all) expect(viewer.seqs(topic).slice(-35)).toEqual(published.slice(-35));
  const lived = await server.metric("ovation_frontend_closes_total", { reason: "lifetime" });
  expect(lived).toBeGreaterThanOrEqual(50);
  closeAll(all);
  await until(
    async () => (await server.metric("ovation_frontend_connections")) === 0,
    "no viewer is left",
  );
  // More connections than the limit have come and been ended by now: their places are free.
  const more = viewers(CONNECTIONS_MAX, {
    port: server.port,
    path: "/v1/events?topic=video:after",
    returns: true,
  });
  await until(
    () => more.every((viewer) => viewer.connected.length > 0),
    "as many as allowed",
    30_000,
  );
  closeAll(more);
  await server.stop();
}, 90_000);

test.concurrent("a connection ends with its token, with a `retry` of at once", async () => {
  const server = await Server.start({ flags: ["--heartbeat-seconds", "1"] });
  const short = await token({ sub: "alice" }, 6);
  const viewer = new Viewer({
    port: server.port,
    path: `/v1/events?topic=member:alice&access_token=${short}`,
  });
  await until(() => viewer.isConnected, "connected");
  await until(() => !viewer.isConnected, "ended");
  expect<unknown>(viewer.of("reconnect")[0]?.data).toEqual({
    afterMs: 1,
    reason: "token-expired",
  });
  expect(viewer.endedCleanly).toBe(true);
  viewer.close();
  await server.stop();
}, 30_000);

test.concurrent("a full server refuses with 200, a random wait and a clean end", async () => {
  const server = await Server.start({ flags: ["--connections-max", "30"] });
  const path = "/v1/events?topic=video:full";
  const seated = viewers(30, { port: server.port, path });
  await until(() => seated.every((viewer) => viewer.isConnected), "all seats are taken");
  const waiting = viewers(20, { port: server.port, path, returns: true });
  await until(() => waiting.every((viewer) => viewer.retryMs !== undefined), "all are answered");
  for (const viewer of waiting) {
    expect(viewer.status).toBe(200);
    expect(viewer.of("reconnect")[0]?.data).toMatchObject({ reason: "full" });
    expect(viewer.retryMs).toBeGreaterThanOrEqual(2000);
    expect(viewer.retryMs).toBeLessThanOrEqual(12_000);
  }
  expect(new Set(waiting.map((viewer) => viewer.retryMs)).size).toBeGreaterThan(10);
  expect(await server.metric("ovation_frontend_refusals_total", { reason: "full" })).toBe(20);
  closeAll(seated);
  await until(
    () => waiting.every((viewer) => viewer.isConnected),
    "all are in by themselves",
    25_000,
  );
  closeAll(waiting);
  await server.stop();
}, 60_000);

test.concurrent("connects above the rate are refused in the same way, and counted", async () => {
  const server = await Server.start({ flags: ["--connects-per-second", "10"] });
  const all = viewers(100, { port: server.port, path: "/v1/events?topic=video:fast" });
  await until(
    () => all.every((viewer) => viewer.isConnected || viewer.endedCleanly),
    "all are answered",
  );
  const refused = all.filter((viewer) => !viewer.isConnected);
  // A burst of two seconds' worth is taken, and what a second or two more allow.
  expect(refused.length).toBeGreaterThan(30);
  expect(refused.length).toBeLessThanOrEqual(80);
  for (const viewer of refused)
    expect(viewer.of("reconnect")[0]?.data).toMatchObject({ reason: "rate" });
  expect(await server.metric("ovation_frontend_refusals_total", { reason: "rate" })).toBe(
    refused.length,
  );
  closeAll(all);
  await server.stop();
}, 60_000);

test.concurrent("SIGTERM: viewers leave paced, newcomers get a `retry`, and exit 0", async () => {
  const server = await Server.start({
    flags: ["--drain-seconds", "4", "--connects-per-second", "100000"],
  });
  const path = "/v1/events?topic=video:drain";
  const all = viewers(1200, { port: server.port, path });
  await until(() => all.every((viewer) => viewer.isConnected), "all are connected", 30_000);
  const startedAt = performance.now();
  const exit = server.end();
  await until(async () => (await server.get("/readyz")).status === 503, "not ready any more");
  const late = new Viewer({ port: server.port, path });
  await until(() => late.endedCleanly, "the late one is answered");
  expect(late.of("reconnect")[0]?.data).toMatchObject({ reason: "draining" });
  expect(await exit).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  await until(() => all.every((viewer) => !viewer.isConnected), "all are gone");
  for (const viewer of all) {
    expect(viewer.endedCleanly).toBe(true);
    expect(viewer.of("reconnect")[0]?.data).toMatchObject({ reason: "drain" });
  }
  // 2,000 a second at most: in steps, not in one.
  const times = all.map((viewer) => viewer.gone[0] ?? 0).sort((left, right) => left - right);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(400);
  // And they come back spread over some seconds.
  const waits = all.map((viewer) => viewer.retryMs ?? 0).sort((left, right) => left - right);
  expect(waits[120]).toBeLessThan(RETURN_SPREAD_MS / 5);
  expect(waits[1080]).toBeGreaterThan((RETURN_SPREAD_MS * 4) / 5);
  late.close();
  await server.stop();
}, 90_000);
