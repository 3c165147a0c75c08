import { afterEach, expect, test } from "bun:test";
import type { Upstream } from "@ovation/frontend";
import { type ConnectionId, Problem, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { TableUnavailableError } from "@ovation/table";
import { startTcpProxy } from "../../testing/tcp-proxy.ts";
import { createFrontendRoutes } from "../links/frontend-calls-http.ts";
import {
  createFrontendCredential,
  type FrontendCredential,
  formatFrontendCaller,
} from "../links/frontend-credential.ts";
import {
  type InternalDispatcher,
  startInternalDispatcher,
  type TestStores,
  testStores,
} from "../testing/internal-dispatcher.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { listenInternal } from "./listener.ts";
import { createRefusals } from "./route.ts";
import { UPSTREAM_PATHS } from "./upstream-calls.ts";
import { ATTEMPTS_MAX, CALLS_MAX, HttpUpstream } from "./upstream-http.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function dispatcher(stores: TestStores, port?: number): InternalDispatcher {
  const started = startInternalDispatcher(stores, port === undefined ? {} : { port });
  cleanups.push(() => started.stop());
  return started;
}

function upstream(
  dispatchers: readonly string[],
  credential: FrontendCredential = createFrontendCredential(),
  timeoutMs = 2000,
): Upstream {
  return new HttpUpstream({
    dispatchers,
    auth: testAuth(),
    credential,
    url: "http://127.0.0.1:1",
    clock: systemClock,
    random: () => 0,
    timeoutMs,
  });
}

const topic = topicOf("video", "42");
const entry = (text: string) => ({ topic, type: "comment", at: 1, data: toJsonText({ text }) });

test("ATTEMPTS_MAX: a call fails after so many attempts without a response", async () => {
  let calls = 0;
  const servers = Array.from({ length: 2 }, () =>
    Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          calls++;
          socket.terminate();
        },
      },
    }),
  );
  const up = upstream(servers.map(({ port }) => `http://127.0.0.1:${port}`));
  await expect(up.renew(1_000)).rejects.toMatchObject({ code: "unavailable" });
  expect(calls).toBe(ATTEMPTS_MAX);
  for (const server of servers) server.stop(true);
});

test("every call gives over the network what the dispatcher itself answers", async () => {
  const stores = testStores();
  const one = dispatcher(stores);
  const credential = createFrontendCredential();
  const up = upstream([one.listener.url], credential);
  await stores.log.append([entry("a"), entry("b")]);

  const mark = await up.renew(60_000);
  expect(mark).not.toBe("");
  expect(await up.renew(60_000)).toBe(mark);
  const [head] = await up.change([{ topic, subscribed: true, generation: 1 }]);
  expect(head).toMatchObject({ topic, seq: 2, first: 1 });
  expect(await stores.table.lookup([topic])).toEqual([
    [{ id: credential.id, url: "http://127.0.0.1:1" }],
  ]);

  const page = await up.read(topic, 1, 10);
  expect(page.events.map(({ data }) => data)).toEqual([toJsonText({ text: "b" })]);
  expect(await up.wrote(topic, 2, head?.epoch ?? "")).toBe("yes");
  expect(await up.headAt(topic, Date.now() + 1000)).toMatchObject({ seq: 2 });

  const report = await up.report([{ topic, viewers: 7 }], -1);
  expect(report.viewers).toEqual([{ topic, viewers: 7 }]);
  expect(report.stamp).toBeGreaterThan(0);

  await up.release();
  expect(await stores.table.lookup([topic])).toEqual([[]]);
  expect(await up.renew(60_000)).not.toBe(mark);
});

test("thousands of changes are split, and all are in the table when the call returns", async () => {
  const stores = testStores();
  const up = upstream([dispatcher(stores).listener.url]);
  await up.renew(60_000);
  const topics = Array.from({ length: 5000 }, (_, index) => topicOf("member", `m${index}`));
  const heads = await up.change(
    topics.map((one, index) => ({ topic: one, subscribed: true, generation: index + 1 })),
  );
  expect(heads).toHaveLength(5000);
  expect((await stores.table.lookup(topics)).flat()).toHaveLength(5000);
});

test("while a dispatcher is dead, stopped or hanging, calls use another one", async () => {
  const stores = testStores();
  const first = dispatcher(stores);
  const second = dispatcher(stores);
  const proxy = await startTcpProxy({ target: { port: second.listener.port } });
  cleanups.push(() => proxy.stop());
  const credential = createFrontendCredential();
  const up = upstream([first.listener.url, `http://127.0.0.1:${proxy.port}`], credential, 300);
  const mark = await up.renew(60_000);
  await first.stop();
  // The lease is in the table: every dispatcher renews the same one.
  expect(await up.renew(60_000)).toBe(mark);
  const again = dispatcher(stores, first.listener.port);
  proxy.halfCut("both");
  // The first one is avoided, but called when no other one responds.
  expect(await up.renew(60_000)).toBe(mark);
  await again.stop();
  const start = performance.now();
  const refused = await up.renew(60_000).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(Problem);
  expect((refused as Problem).code).toBe("unavailable");
  expect(performance.now() - start).toBeLessThan(5000);
  proxy.heal();
  expect(await up.renew(60_000)).toBe(mark);
}, 15_000);

test("a dispatcher whose table is away says so, and is believed", async () => {
  const stores = testStores();
  const table = {
    ...stores.table,
    renew: () => Promise.reject(new TableUnavailableError("gone")),
  };
  const up = upstream([dispatcher({ ...stores, table }).listener.url]);
  const refused = await up.renew(1000).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject({ code: "unavailable", extra: { retryAfterMs: 1000 } });
});

test("a change of a connection reaches its frontend through any dispatcher", async () => {
  const stores = testStores();
  const one = dispatcher(stores);
  const holder = createFrontendCredential();
  const auth = testAuth();
  const refusals = createRefusals();
  const asked: unknown[] = [];
  const listener = listenInternal({
    host: "127.0.0.1",
    port: 0,
    routes: createFrontendRoutes({
      auth,
      refusals,
      frontend: holder.id,
      async changeConnection(change) {
        asked.push(change);
        return { ok: true, heads: [] };
      },
    }),
    onFailure: (what, error) => console.error(what, error),
  });
  cleanups.push(() => listener.stop());
  const holderUp = new HttpUpstream({
    dispatchers: [one.listener.url],
    auth,
    credential: holder,
    url: listener.url,
    clock: systemClock,
  });
  await holderUp.renew(60_000);
  await holderUp.change([
    { topic: topicOf("frontend", holder.id), subscribed: true, generation: 1 },
  ]);

  const connection = `${holder.id}.${"A".repeat(22)}` as ConnectionId;
  const change = {
    connection,
    add: [topic],
    remove: [],
    sub: "alice",
    expiresAt: 1_800_000_000_000,
  };
  expect(await upstream([one.listener.url]).changeConnection(change)).toEqual({
    ok: true,
    heads: [],
  });
  expect(asked).toEqual([change]);
  const unknown = `${createFrontendCredential().id}.${"A".repeat(22)}` as ConnectionId;
  expect(
    await upstream([one.listener.url]).changeConnection({ ...change, connection: unknown }),
  ).toEqual({
    ok: false,
    error: "unknown-connection",
  });
  await listener.stop();
  expect(upstream([one.listener.url]).changeConnection(change)).rejects.toMatchObject({
    code: "unavailable",
  });
}, 15_000);

test("forged, replayed, malformed, oversized and foreign calls are refused", async () => {
  const stores = testStores();
  const one = dispatcher(stores);
  const victim = createFrontendCredential();
  const attacker = createFrontendCredential();
  const mark = await upstream([one.listener.url], victim).renew(60_000);
  const before = await lease();

  async function lease() {
    await stores.table.change(victim.id, [{ topic, subscribed: true, generation: 1 }]);
    return stores.table.lookup([topic]);
  }
  async function post(
    path: string,
    from: string,
    body: string,
    options: { secret?: string; headers?: Record<string, string> } = {},
  ): Promise<number> {
    const headers =
      options.headers ??
      testAuth(options.secret).sign({ method: "POST", path, from, to: "", body });
    return (await fetch(one.listener.url + path, { method: "POST", headers, body })).status;
  }
  const good = JSON.stringify({ ttlMs: 1000 });
  const path = UPSTREAM_PATHS.renew;
  const attackerUrl = "http://127.0.0.1:6666";

  // A frontend that registers its own address for another's id.
  expect(
    await post(
      path,
      formatFrontendCaller({ id: victim.id, proof: attacker.proof }, attackerUrl),
      good,
    ),
  ).toBe(401);
  expect(
    await post(
      UPSTREAM_PATHS.release,
      formatFrontendCaller({ id: victim.id, proof: attacker.proof }, attackerUrl),
      "{}",
    ),
  ).toBe(401);
  expect(await post(path, formatFrontendCaller(victim, "http://user@host"), good)).toBe(401);
  expect(await post(path, "dispatcher x", good)).toBe(401);
  // Without the secret, or with a call that was seen.
  expect(
    await post(path, formatFrontendCaller(victim, attackerUrl), good, {
      secret: "a guess of the secret",
    }),
  ).toBe(401);
  expect(await post(path, "", good, { headers: {} })).toBe(401);
  const from = formatFrontendCaller(attacker, attackerUrl);
  const headers = testAuth().sign({ method: "POST", path, from, to: "", body: good });
  expect(await post(path, from, good, { headers })).toBe(200);
  expect(await post(path, from, good, { headers })).toBe(401);
  // Malformed and oversized.
  for (const body of [
    "",
    "{",
    "[]",
    '{"ttlMs":-1}',
    '{"ttlMs":1e99}',
    '{"ttlMs":1000,"more":1}',
    '{"ttlMs":"1000"}',
  ]) {
    expect(await post(path, from, body)).toBe(400);
  }
  const change = (changes: unknown) =>
    post(UPSTREAM_PATHS.change, from, JSON.stringify({ changes }));
  expect(await change([{ topic: "video:*", subscribed: true, generation: 1 }])).toBe(400);
  expect(await change([{ topic: "video:1", subscribed: true, generation: 1.5 }])).toBe(400);
  expect(
    await change(
      Array.from({ length: 2001 }, (_, index) => ({
        topic: `video:${index}`,
        subscribed: true,
        generation: 1,
      })),
    ),
  ).toBe(400);
  expect(await post(path, from, " ".repeat(5 * 1024 * 1024))).toBe(413);
  expect((await fetch(one.listener.url + path)).status).toBe(404);

  expect(await lease()).toEqual(before);
  expect(one.refusals).toMatchObject({
    unsigned: 1,
    forged: 1,
    replayed: 1,
    "not-the-caller": 4,
    oversized: 1,
    malformed: 10,
  });
  expect(await upstream([one.listener.url], victim).renew(60_000)).toBe(mark);
});

test("CALLS_MAX: one more call in flight is refused at once; the others are answered", async () => {
  const stores = testStores();
  const up = upstream([dispatcher(stores).listener.url], undefined, 10_000);
  await up.renew(60_000);
  const calls = Array.from({ length: CALLS_MAX }, () => up.headAt(topic, 1));
  expect(up.headAt(topic, 1)).rejects.toMatchObject({
    code: "unavailable",
    message: "too many calls to dispatchers",
  });
  expect(await Promise.all(calls)).toHaveLength(CALLS_MAX);
  expect(await up.headAt(topic, 1)).toMatchObject({ topic });
}, 15_000);
