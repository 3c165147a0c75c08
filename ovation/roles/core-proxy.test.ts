/** What a worker passes on, beside viewers that do not read their answers. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryPools, SourceAnswer, steadyClock } from "@ovation/protocol";
import pino from "pino";
import { until } from "../../testing/until.ts";
import { type Listener, listen } from "../listener/listener.ts";
import { KernelSocket } from "../system-tests/testing/kernel-socket.ts";
import {
  CORE_MS_MAX,
  createCoreProxy,
  LONG_MAX,
  LONG_PER_ADDRESS_MAX,
  reasonsOfCore,
  WHOLE_BYTES_MAX,
} from "./core-proxy.ts";

/** More than the runtime's limit of requests in flight. */
const UNREAD = 300;
const LONG = 5_000_000;
const SIZES: Readonly<Record<string, number>> = {
  "/short": 10,
  "/page": 600_000,
  "/long": LONG,
  "/whole": WHOLE_BYTES_MAX,
  "/more": WHOLE_BYTES_MAX + 1,
};

const directory = mkdtempSync(join(tmpdir(), "ovation-pass-on-"));
const socket = join(directory, "core.sock");
let core: Bun.Server<undefined>;
/** Requests that the core received, by path. */
const received = new Map<string, number>();
let worker: Listener;

beforeAll(() => {
  const bodies = new Map(
    Object.entries(SIZES).map(([path, size]) => [path, new Uint8Array(size).fill(97)]),
  );
  core = Bun.serve({
    unix: socket,
    fetch({ url, headers }) {
      const { pathname } = new URL(url);
      received.set(pathname, (received.get(pathname) ?? 0) + 1);
      return new Response(bodies.get(pathname), {
        headers: { etag: '"1"', "x-asked-for": headers.get("x-ovation-address") ?? "" },
      });
    },
  }) as Bun.Server<undefined>;
  const pools = createMemoryPools(steadyClock);
  worker = listen({
    host: "127.0.0.1",
    port: 0,
    routes: [],
    logger: pino({ level: "silent" }),
    pools,
    fallback: createCoreProxy(socket, pools),
  });
});
afterAll(async () => {
  await worker.stop(true);
  await core.stop(true);
  rmSync(directory, { recursive: true });
});

const get = (path: string, method = "GET") =>
  fetch(`${worker.url}${path}`, { method, keepalive: false, signal: AbortSignal.timeout(10_000) });

async function isLongServed(): Promise<boolean> {
  const { body, status } = await get("/long");
  await body?.cancel();
  return status === 200;
}

test("answers arrive whole, with their headers, and HEAD says the length", async () => {
  for (const [path, size] of Object.entries(SIZES)) {
    const answer = await get(path);
    expect((await answer.bytes()).length).toBe(size);
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(answer.headers.get("x-asked-for")).toBe("127.0.0.1");
    expect((await get(path, "HEAD")).headers.get("content-length")).toBe(String(size));
  }
});

describe("beside more unread answers than the runtime has requests,", () => {
  for (const path of ["/page", "/long"]) {
    test(`each of ${SIZES[path]} bytes, others are answered`, async () => {
      received.delete(path);
      const unread = Array.from({ length: UNREAD }, () => new KernelSocket(Number(worker.port)));
      for (const each of unread) each.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await until(() => received.get(path) === UNREAD, "the core received all requests");
      for (let probe = 0; probe < 3; probe++) expect((await get("/short")).status).toBe(200);
      for (const each of unread) each.close();
      await until(isLongServed, "their long responses have ended");
    }, 20_000);
  }

  test("a long response beyond its address's share is refused until another ends", async () => {
    const unread = Array.from(
      { length: LONG_PER_ADDRESS_MAX },
      () => new KernelSocket(Number(worker.port)),
    );
    for (const each of unread) each.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    await Bun.sleep(500);
    const refused = await get("/long");
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: "unavailable" }]);
    for (const each of unread) each.close();
    await until(isLongServed, "their long responses have ended");
    for (let count = 0; count < LONG_PER_ADDRESS_MAX * 2; count++)
      expect((await (await get("/long")).bytes()).length).toBe(LONG);
  }, 20_000);

  test("LONG_MAX long responses are in flight in all, for any addresses", async () => {
    const open = createCoreProxy(socket, createMemoryPools(steadyClock));
    const ask = (index: number) =>
      open(new Request("http://x/long"), "/long", `10.0.${index >> 3}.1`) as Promise<Response>;
    const taken = await Promise.all(Array.from({ length: LONG_MAX }, (_, index) => ask(index)));
    await expect(ask(LONG_MAX)).rejects.toMatchObject({ code: "unavailable" });
    await taken[0]?.body?.cancel();
    const next = await ask(LONG_MAX);
    expect(next.status).toBe(200);
    for (const { body } of [...taken.slice(1), next]) await body?.cancel();
  }, 20_000);
});

test("WHOLE_BYTES_MAX: a longer answer is read as the viewer takes it", async () => {
  const pass = createCoreProxy(socket, createMemoryPools(steadyClock));
  const ask = (path: string) => pass(new Request(`http://x${path}`), path, "10.0.0.1");
  expect(await ask("/whole")).toBeInstanceOf(SourceAnswer);
  const more = await ask("/more");
  expect(more).toBeInstanceOf(Response);
  expect((await (more as Response).bytes()).length).toBe(WHOLE_BYTES_MAX + 1);
});

test("CORE_MS_MAX: a worker waits so long for the core's reasons", async () => {
  const path = join(directory, "slow.sock");
  let delayMs = 0;
  const slow = Bun.serve({
    unix: path,
    async fetch() {
      await Bun.sleep(delayMs);
      return Response.json({ reasons: [] });
    },
  });
  expect(await reasonsOfCore(path)).toEqual([]);
  delayMs = 3 * CORE_MS_MAX;
  const startedAt = performance.now();
  expect(await reasonsOfCore(path)).toMatchObject([{ check: "core", made: "degraded" }]);
  expect(performance.now() - startedAt).toBeWithin(CORE_MS_MAX - 50, 2.5 * CORE_MS_MAX);
  await slow.stop(true);
});
