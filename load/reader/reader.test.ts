import { afterEach, expect, spyOn, test } from "bun:test";
import type { Socket } from "bun";
import { until } from "../../testing/until.ts";
import { RETRY_MS_MAX } from "../limits.ts";
import { LOAD_DEFAULTS } from "../options.ts";
import { NeverReaders } from "./never-readers.ts";
import { Reader } from "./reader.ts";

const readers: Reader[] = [];

afterEach(() => {
  for (const reader of readers.splice(0)) reader.finish([0]);
});

interface Listener {
  readonly port: number;
  readonly addresses: string[];
  readonly sockets: Socket[];
  stop(): void;
}

function listen(): Listener {
  const addresses: string[] = [];
  const sockets: Socket[] = [];
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        addresses.push(socket.remoteAddress);
        sockets.push(socket);
      },
      data(socket) {
        socket.write(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: " +
            "connection\ndata: {}\n\n",
        );
      },
    },
  });
  return { port: server.port, addresses, sockets, stop: () => server.stop(true) };
}

test("each process has its own source addresses, so that ports do not run out", async () => {
  const server = listen();
  for (const process of [0, 3]) {
    const options = { ...LOAD_DEFAULTS, url: `http://127.0.0.1:${server.port}`, connections: 2 };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const reader = new Reader(
      { options, run: "test", process, firstConnection: 0, connections: 2, slow: 0 },
      { ready: resolve, failed: reject },
    );
    readers.push(reader);
    await reader.open();
    await promise;
    expect(reader.progress()).toMatchObject({ connected: 2, ready: 2 });
  }
  expect(server.addresses).toEqual(["127.1.1.1", "127.1.1.1", "127.4.1.1", "127.4.1.1"]);
  server.stop();
});

test("RETRY_MS_MAX: a server that asks for a longer wait does not delay the run", async () => {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        socket.end(`${head}retry: ${1_000 * RETRY_MS_MAX}\n\n`);
      },
    },
  });
  const timers = spyOn(globalThis, "setTimeout");
  try {
    const options = { ...LOAD_DEFAULTS, url: `http://127.0.0.1:${server.port}`, connections: 1 };
    const reader = new Reader(
      { options, run: "test", process: 1, firstConnection: 0, connections: 1, slow: 0 },
      { ready: () => undefined, failed: () => undefined },
    );
    readers.push(reader);
    await reader.open();
    const waits = () => timers.mock.calls.map(([, ms]) => ms ?? 0);
    await until(() => waits().includes(RETRY_MS_MAX));
    expect(waits()).toContain(RETRY_MS_MAX);
    expect(Math.max(...waits())).toBe(RETRY_MS_MAX);
  } finally {
    timers.mockRestore();
    server.stop(true);
  }
});

test("a connection that never reads is seen when the server closes it", async () => {
  const server = listen();
  const stuck = new NeverReaders();
  await stuck.open(
    2,
    "127.0.0.1",
    server.port,
    "127.9.0.1",
    () => "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  );
  await until(() => server.sockets.length >= 2);
  expect(server.addresses).toEqual(["127.9.0.1", "127.9.0.1"]);
  expect(stuck.closed()).toBe(0);
  server.sockets[0]?.terminate();
  await until(() => stuck.closed() > 0);
  expect(stuck.closed()).toBe(1);
  stuck.end();
  server.stop();
});
