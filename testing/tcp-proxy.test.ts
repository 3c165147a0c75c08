import { afterEach, expect, test } from "bun:test";
import {
  createLineDirection,
  startTcpProxy,
  type TcpProxy,
  type TcpProxyOptions,
} from "./tcp-proxy.ts";
import { until } from "./until.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An echo behind the proxy. */
async function setUp(options: Partial<TcpProxyOptions> = {}): Promise<TcpProxy> {
  const echo = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket, data) => void socket.write(data) },
  });
  const proxy = await startTcpProxy({ ...options, target: { port: echo.port } });
  cleanups.push(
    () => echo.stop(true),
    () => proxy.stop(),
  );
  return proxy;
}

async function connect(port: number) {
  let text = "";
  let closed = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, data) {
        text += data.toString();
      },
      close() {
        closed = true;
      },
      error() {
        closed = true;
      },
    },
  });
  cleanups.push(() => socket.terminate());
  return { send: (part: string) => socket.write(part), text: () => text, closed: () => closed };
}

test("everything comes through in order, and late by the delay there and back", async () => {
  const proxy = await setUp({ delayMs: 30, jitterMs: 20 });
  const client = await connect(proxy.port);
  const start = performance.now();
  let sent = "";
  for (let number = 0; number < 50; number++) {
    const part = `${number},`;
    sent += part;
    client.send(part);
    await Bun.sleep(1);
  }
  expect(client.text()).not.toBe(sent);
  await until(() => client.text() === sent, "all is back");
  expect(performance.now() - start).toBeGreaterThan(60);
  expect(proxy.bytes).toEqual({ there: sent.length, back: sent.length });
});

test("a throttled link takes its time", async () => {
  const proxy = await setUp({ bytesPerSecond: 100_000 });
  const client = await connect(proxy.port);
  const start = performance.now();
  client.send("x".repeat(20_000));
  await until(() => client.text().length === 20_000, "all is back");
  expect(performance.now() - start).toBeGreaterThan(190);
});

test("all connections share the rate of a throttled link, also over several proxies", async () => {
  const line = { there: createLineDirection(), back: createLineDirection() };
  const [first, second] = [
    await setUp({ bytesPerSecond: 100_000, line }),
    await setUp({ bytesPerSecond: 100_000, line }),
  ];
  const clients = await Promise.all([first, first, second].map(({ port }) => connect(port)));
  const start = performance.now();
  for (const client of clients) client.send("x".repeat(10_000));
  await until(() => clients.every((client) => client.text().length === 10_000), "all is back");
  // 300 ms there; the first part is already in flight back.
  expect(performance.now() - start).toBeGreaterThan(390);
});

test("a half-cut holds what is sent in one direction, and lets it go when healed", async () => {
  const proxy = await setUp();
  const client = await connect(proxy.port);
  proxy.halfCut("back");
  client.send("one");
  await until(() => proxy.bytes.there === 3, "it went there");
  await Bun.sleep(30);
  expect(client.text()).toBe("");
  expect(client.closed()).toBe(false);
  proxy.heal();
  await until(() => client.text() === "one", "it comes back");
});

test("a cut resets what is open and refuses what is new, until it is healed", async () => {
  const proxy = await setUp();
  const client = await connect(proxy.port);
  client.send("one");
  await until(() => client.text() === "one", "it is back");
  proxy.cut();
  await until(client.closed, "the connection is reset");
  const refused = await connect(proxy.port);
  await until(refused.closed, "a new one is reset");
  expect(proxy.connections).toBe(0);
  proxy.heal();
  const again = await connect(proxy.port);
  again.send("two");
  await until(() => again.text() === "two", "it works again");
});

test("half-open: the target is reset, the caller stays silent until it heals", async () => {
  const proxy = await setUp();
  const client = await connect(proxy.port);
  client.send("one");
  await until(() => client.text() === "one", "it is back");
  proxy.halfOpen();
  expect(proxy.connections).toBe(0);
  const late = await connect(proxy.port);
  client.send("two");
  late.send("three");
  await Bun.sleep(50);
  expect([client.text(), late.text()]).toEqual(["one", ""]);
  expect([client.closed(), late.closed()]).toEqual([false, false]);
  proxy.heal();
  await until(() => client.closed() && late.closed(), "both are reset");
  const again = await connect(proxy.port);
  again.send("four");
  await until(() => again.text() === "four", "it works again");
});
