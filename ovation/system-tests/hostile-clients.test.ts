/**
 * Clients that mean ill, against a real process over real sockets: each is bounded, counted, and
 * costs other clients nothing. The slow ones all begin together, before the first test;
 * each test then checks the end of one kind, while a witness gets its events.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { KernelSocket } from "./testing/kernel-socket.ts";
import { type RawAnswer, rawRequest } from "./testing/raw-request.ts";
import { percentile, Witness } from "./testing/witness.ts";

const PER_ADDRESS_MAX = 40;
const MEGABYTE = 1024 * 1024;
const ATTACK_MS_MAX = 50_000;
const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n`;

let server: Server;
let witness: Witness;
let memoryBefore = 0;
let calmDelay = 0;
/** The slow attacks, begun in `beforeAll`. */
let silent: Promise<readonly RawAnswer[]>;
let trickledHeaders: Promise<readonly RawAnswer[]>;
let stalledBodies: Promise<readonly RawAnswer[]>;
let trickledBodies: Promise<readonly RawAnswer[]>;

function many(
  count: number,
  options: Parameters<typeof rawRequest>[0],
): Promise<readonly RawAnswer[]> {
  return Promise.all(Array.from({ length: count }, () => rawRequest(options)));
}

beforeAll(async () => {
  server = await Server.start({
    flags: [
      "--heartbeat-seconds",
      "1",
      "--stuck-seconds",
      "2",
      "--connections-per-address",
      String(PER_ADDRESS_MAX),
    ],
  });
  witness = new Witness(server, "video:witness");
  await until(() => witness.delays().length >= 10, "the witness gets events");
  calmDelay = percentile(witness.delays(), 0.5);
  memoryBefore = await server.metric("process_resident_memory_bytes");
  const { port } = server;
  const upload =
    "POST /v1/guests HTTP/1.1\r\nHost: x\r\n" +
    "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
  silent = many(50, { port, bytes: "", from: "127.0.0.2", withinMs: ATTACK_MS_MAX });
  const trickle = { byte: "a", everyMs: 1000 };
  trickledHeaders = many(50, {
    port,
    bytes: `${head("/")}X-Slow: `,
    trickle,
    from: "127.0.0.3",
    withinMs: ATTACK_MS_MAX,
  });
  stalledBodies = many(20, { port, bytes: upload, from: "127.0.0.4", withinMs: ATTACK_MS_MAX });
  trickledBodies = many(20, {
    port,
    bytes: upload,
    trickle: { byte: " ", everyMs: 1000 },
    from: "127.0.0.5",
    withinMs: ATTACK_MS_MAX,
  });
}, 60_000);

afterAll(() => server.stop());

describe("too many connections from one address", () => {
  test("get 200, a random wait and a clean end; places are free again", async () => {
    const path = "/v1/events?topic=video:crowd";
    const from = "127.0.0.7";
    const crowd = Array.from({ length: 150 }, () => new Viewer({ port: server.port, path, from }));
    await until(
      () =>
        crowd.filter((viewer) => viewer.isConnected).length +
          crowd.filter((viewer) => viewer.endedCleanly).length ===
        150,
      "all are answered",
    );
    const refused = crowd.filter((viewer) => !viewer.isConnected);
    expect(refused.length).toBe(150 - PER_ADDRESS_MAX);
    for (const { status, of: _, ...viewer } of refused)
      expect({ status, clean: viewer.endedCleanly }).toEqual({ status: 200, clean: true });
    const waits = new Set(refused.map((viewer) => viewer.retryMs));
    expect(Math.min(...refused.map((viewer) => viewer.retryMs ?? 0))).toBeGreaterThanOrEqual(2000);
    expect(waits.size).toBeGreaterThan(refused.length / 2);
    expect(refused[0]?.of("reconnect")[0]?.data).toMatchObject({ reason: "address" });
    expect(refused[0]?.head.toLowerCase()).toContain("connection: close");
    expect(await server.metric("ovation_frontend_refusals_total", { reason: "address" })).toBe(
      refused.length,
    );

    const other = new Viewer({ port: server.port, path, from: "127.0.0.8" });
    await until(() => other.isConnected, "another address connects");
    for (const viewer of [...crowd, other]) viewer.close();
    await until(
      async () => (await server.metric("ovation_frontend_connections")) <= 2,
      "all are gone",
    );
    const again = new Viewer({ port: server.port, path, from });
    await until(() => again.isConnected, "the address connects again");
    again.close();
  }, 30_000);
});

describe("viewers that take no bytes", () => {
  /**
   * By the frontend; or by the kernel, where the machine is so slow that the window has been shut
   * for longer than writes wait.
   */
  function cuts(): Promise<number> {
    return server.metric("ovation_frontend_closes_total");
  }

  /** More than the kernel buffers of a connection hold. */
  async function flood(topic: string, megabytes: number): Promise<void> {
    const event = { topic, type: "flood", data: "f".repeat(60 * 1024) };
    for (let sent = 0; sent < megabytes; sent += 0.5)
      await server.publish(Array.from({ length: 8 }, () => event));
  }

  test("never reading: skipped, cut in time, their bytes released", async () => {
    const viewers = Array.from(
      { length: 15 },
      () =>
        new Viewer({ port: server.port, path: "/v1/events?topic=video:stuck", from: "127.0.0.9" }),
    );
    await until(() => viewers.every((viewer) => viewer.isConnected), "all are connected");
    for (const viewer of viewers) viewer.pause();
    const cut = await cuts();
    const flooding = flood("video:stuck", 12);
    await until(
      async () => (await server.metric("ovation_frontend_slow_connections")) > 0,
      "they are slow",
      25_000,
    );
    await flooding;
    await until(async () => (await cuts()) >= cut + 15, "they are cut", 25_000);
    expect(await server.metric("ovation_frontend_slow_connections")).toBe(0);
    for (const viewer of viewers) viewer.close();
    const back = new Viewer({
      port: server.port,
      path: "/v1/events?topic=video:stuck",
      from: "127.0.0.9",
    });
    await until(() => back.isConnected, "one returns");
    back.close();
  }, 60_000);

  test("a byte a second is cut as well", async () => {
    const cut = await cuts();
    const sockets = Array.from({ length: 5 }, () => new KernelSocket(server.port));
    for (const socket of sockets) socket.send(`${head("/v1/events?topic=video:drip")}\r\n`);
    await until(() => sockets.every((socket) => socket.read(1) === 1), "the answer begins");
    const reading = setInterval(() => {
      for (const socket of sockets) socket.read(1);
    }, 1000);
    await flood("video:drip", 12);
    await until(async () => (await cuts()) >= cut + 5, "they are cut", 25_000);
    clearInterval(reading);
    for (const socket of sockets) socket.close();
  }, 60_000);

  test("packets that vanish: the connection is found dead though it was never slow", async () => {
    const left = await server.metric("ovation_frontend_closes_total", { reason: "left" });
    const sockets = Array.from({ length: 5 }, () => new KernelSocket(server.port));
    for (const socket of sockets) socket.send(`${head("/v1/events?topic=video:vanish")}\r\n`);
    await until(() => sockets.every((socket) => socket.read(1) === 1), "the answer begins");
    for (const socket of sockets) socket.vanish();
    // A heartbeat, then twice as long as a viewer may be stuck: 1 s and 4 s here.
    await until(
      async () =>
        (await server.metric("ovation_frontend_closes_total", { reason: "left" })) >= left + 5,
      "they are found",
      25_000,
    );
    for (const socket of sockets) socket.close();
  }, 40_000);
});

describe("clients that take their time", () => {
  test("opening and sending nothing is cut within seconds", async () => {
    for (const { closed, ms } of await silent)
      expect({ closed, soon: ms < 25_000 }).toEqual({ closed: true, soon: true });
    expect(
      await server.metric("ovation_http_cuts_total", { reason: "silent" }),
    ).toBeGreaterThanOrEqual(50);
  }, 60_000);

  test("one header byte a second does not buy more time", async () => {
    for (const { closed, ms } of await trickledHeaders)
      expect({ closed, soon: ms < 25_000 }).toEqual({ closed: true, soon: true });
    expect(
      await server.metric("ovation_http_cuts_total", { reason: "head" }),
    ).toBeGreaterThanOrEqual(50);
  }, 60_000);

  test("a body that does not come is cut", async () => {
    for (const { closed } of await stalledBodies) expect(closed).toBe(true);
  }, 60_000);

  test("one body byte a second does not buy more time", async () => {
    for (const { closed } of await trickledBodies) expect(closed).toBe(true);
    expect(
      await server.metric("ovation_http_cuts_total", { reason: "body" }),
    ).toBeGreaterThanOrEqual(40);
  }, 60_000);
});

test("meanwhile the witness got every event in time, and memory did not grow", async () => {
  const delays = witness.delays();
  expect(await witness.missing()).toBe(0);
  expect(witness.failures).toBe(0);
  expect(witness.viewer.gone).toEqual([]);
  expect(percentile(delays, 0.5)).toBeLessThan(Math.max(calmDelay * 5, 250));
  await until(
    async () => (await server.metric("ovation_frontend_connections")) === 0,
    "every client is gone",
  );
  const grown = (await server.metric("process_resident_memory_bytes")) - memoryBefore;
  expect(grown).toBeLessThan(150 * MEGABYTE);
  expect(server.output).not.toContain("a handler failed");
}, 30_000);
