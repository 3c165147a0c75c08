/** Invalid bodies on an internal listener with real sockets: refused, counted, not kept. */

import { afterEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "../../testing/until.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { createInternalClient } from "./client.ts";
import { type InternalListener, listenInternal } from "./listener.ts";
import { createRefusals, type InternalRefusals, internalRoute, parseCall } from "./route.ts";
import { RenewCall } from "./upstream-calls.ts";

const PATH = "/internal/v1/test";
const BODY_BYTES_MAX = 1024 * 1024;

let listener: InternalListener;
afterEach(() => listener.stop());

function listening(): {
  readonly refusals: InternalRefusals;
  readonly told: string[];
  calls(): number;
} {
  const refusals = createRefusals();
  const told: string[] = [];
  let calls = 0;
  const route = internalRoute(
    { auth: testAuth(), refusals },
    PATH,
    BODY_BYTES_MAX,
    async ({ body }) => {
      parseCall(refusals, RenewCall, body);
      calls++;
      return Response.json({});
    },
  );
  listener = listenInternal({
    host: "127.0.0.1",
    port: 0,
    routes: [route],
    onFailure: (what, error) => told.push(`failed ${what} ${String(error)}`),
    onRefused: ({ path, address, answer }) => told.push(`refused ${path} ${address} ${answer}`),
  });
  return { refusals, told, calls: () => calls };
}

const sign = (body: string | Uint8Array) =>
  testAuth().sign({ method: "POST", path: PATH, from: "dispatcher x", to: "", body });

async function post(body: BodyInit, headers: Record<string, string>): Promise<number> {
  const response = await fetch(listener.url + PATH, { method: "POST", headers, body });
  await response.text();
  return response.status;
}

/** A megabyte at a time, without a content length. `taken` counts those that were read. */
function megabytes(count: number): {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  taken(): number;
} {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (taken++ >= count) return controller.close();
      controller.enqueue(new Uint8Array(1024 * 1024));
      await Bun.sleep(1);
    },
  });
  return { stream, taken: () => taken };
}

test("an endless body is refused at its bound, and the listener continues", async () => {
  const { refusals, told, calls } = listening();
  const endless = megabytes(200);
  // Cut off in the middle of what it sends, the client may not hear the answer.
  const status = await post(endless.stream, sign("")).catch(() => "cut off");
  expect([413, "cut off"]).toContain(status);
  await until(() => refusals.oversized === 1, "it is counted");
  expect(endless.taken()).toBeLessThan(150);
  expect(told.every((line) => line.startsWith("refused"))).toBe(true);
  const client = createInternalClient({ auth: testAuth(), from: "dispatcher x" });
  expect(await client.call(listener.url, PATH, '{"ttlMs":1}', { timeoutMs: 2000 })).toEqual({});
  expect(calls()).toBe(1);
}, 20_000);

test("the body of an unsigned call is not read", async () => {
  const { refusals } = listening();
  const socket = connect(listener.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes.toString();
  });
  // A body is promised, and none of it comes.
  socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n`);
  await until(() => answer.includes("\r\n\r\n"), "it is answered at once", 3000);
  expect(answer).toStartWith("HTTP/1.1 401");
  expect(refusals.unsigned).toBe(1);
  socket.destroy();
});

test("bodies that are signed and make no sense are malformed, however they do that", async () => {
  const { refusals, told, calls } = listening();
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const bodies: (string | Uint8Array<ArrayBuffer>)[] = [
    "",
    "nothing",
    "null",
    "[]",
    deep,
    `{"ttlMs":${deep}}`,
    '{"ttlMs":1e400}',
    '{"ttlMs":1,"__proto__":{"a":1}}',
    '{"ttlMs":1}\0',
    new Uint8Array([0xff, 0xfe, 0x7b]),
    new Uint8Array([...new TextEncoder().encode('{"ttlMs":1'), 0xc0, 0x7d]),
  ];
  for (const body of bodies) expect(await post(body, sign(body))).toBe(400);
  expect(refusals).toMatchObject({ malformed: bodies.length, oversized: 0, forged: 0 });
  expect(told).toHaveLength(bodies.length);
  for (const line of told)
    expect(line).toBe(`refused ${PATH} 127.0.0.1 not a call of this version`);
  expect(calls()).toBe(0);
});
