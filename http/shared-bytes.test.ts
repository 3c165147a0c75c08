/**
 * Bytes that wait for clients: an address that holds more than its share loses what has waited
 * longest.
 */

import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createMemoryPools, steadyClock } from "@ovation/protocol";
import { until } from "../testing/until.ts";
import {
  BODY_BYTES_AHEAD_MAX,
  BODY_BYTES_PER_ADDRESS_MAX,
  UNREAD_BYTES_PER_ADDRESS_MAX,
} from "./limits.ts";
import { HttpServer } from "./mod.ts";
import { client, get, open } from "./testing/client.ts";

const ANSWER_BYTES = 8 * 1024 * 1024;

function serve(unlimited = false) {
  const pools = createMemoryPools(steadyClock);
  const cuts: string[] = [];
  const server = new HttpServer({
    at: { host: "127.0.0.1", port: 0, reusePort: false },
    async handle(request) {
      if (request.method === "GET") return new Response(new Uint8Array(ANSWER_BYTES));
      return new Response(`${(await request.bytes()).length}`);
    },
    onError() {},
    onRefused() {},
    onCut: (reason) => cuts.push(reason),
    pools,
    unlimited,
  });
  open.push(server);
  const held = (pool: string) => pools.shares(pool, 0).held("127.0.0.1");
  return { port: server.port ?? 0, cuts, held };
}

const post = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const BODIES = BODY_BYTES_PER_ADDRESS_MAX / BODY_BYTES_AHEAD_MAX;

test("of unfinished bodies over the share of an address the oldest one is evicted", async () => {
  const { port, cuts, held } = serve();
  const first = await client(port, `${post(10)}a`);
  await until(() => held("body-bytes") === BODY_BYTES_AHEAD_MAX, "the first is counted");
  for (let count = 1; count < BODIES; count++) await client(port, `${post(10)}a`);
  await until(() => held("body-bytes") === BODY_BYTES_PER_ADDRESS_MAX, "all are counted");
  expect(cuts).toEqual([]);
  const last = await client(port, `${post(10)}a`);
  await until(() => first.ended || first.reset !== "", "the first is evicted");
  expect(cuts).toEqual(["crowded"]);
  last.socket.write("bcdefghij");
  await until(() => last.text().endsWith("10"), "the last is answered");
  expect(held("body-bytes")).toBe(BODY_BYTES_PER_ADDRESS_MAX - BODY_BYTES_AHEAD_MAX);
}, 20_000);

test("a body counts by its bytes until it is whole, ended or refused", async () => {
  const { port, held } = serve();
  const long = await client(port, post(1_000_000) + "a".repeat(900_000));
  await until(() => held("body-bytes") === 900_000, "its bytes are counted");
  long.socket.write("a".repeat(100_000));
  await until(() => long.text().endsWith("1000000"), "it is answered");
  expect(held("body-bytes")).toBe(0);
  const broken = await client(port, `${post(10)}a`);
  await until(() => held("body-bytes") > 0, "it is counted");
  broken.socket.destroy();
  await until(() => held("body-bytes") === 0, "it is given back");
  const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const malformed = await client(port, `${chunked}1\r\na\r\n`);
  await until(() => held("body-bytes") > 0, "it is counted");
  malformed.socket.write("zz\r\n");
  await until(() => malformed.ended, "the end");
  expect(held("body-bytes")).toBe(0);
});

test("of unread answers over the share of an address the oldest one is evicted", async () => {
  const { port, cuts, held } = serve();
  const paused: Socket[] = [];
  while (cuts.length === 0 && paused.length < 50) {
    const { socket } = await client(port);
    socket.pause();
    socket.write(get("/"));
    paused.push(socket);
    await Bun.sleep(20);
  }
  expect(cuts).toEqual(["crowded"]);
  expect(held("unread-bytes")).toBeLessThanOrEqual(UNREAD_BYTES_PER_ADDRESS_MAX);
  // The first is the one that was cut: a new answer is whole.
  const reading = await client(port, get("/"));
  await until(() => reading.text().length > ANSWER_BYTES, "an answer is read whole");
  for (const socket of paused) socket.destroy();
  await until(() => held("unread-bytes") === 0, "all is given back");
}, 20_000);

test("without limits per address nothing is evicted", async () => {
  const { port, cuts, held } = serve(true);
  const sockets = Array.from({ length: BODIES + 10 }, () =>
    connect({ port, host: "127.0.0.1" }, function (this: Socket) {
      this.write(`${post(10)}a`);
    }),
  );
  await until(() => held("body-bytes") > BODY_BYTES_PER_ADDRESS_MAX, "more than the share");
  expect(cuts).toEqual([]);
  for (const socket of sockets) socket.destroy();
}, 20_000);
