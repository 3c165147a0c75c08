/**
 * `ovation start` whose disk is full: what clients get, what still works, and that it recovers by
 * itself. A real small disk.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { token } from "../../testing/token.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

const DISK_MEGABYTES = 32;
const TOPIC = "video:full";
let server: Server;
let bearer: string;

beforeAll(async () => {
  server = await Server.start({ diskMegabytes: DISK_MEGABYTES, flags: ["--rate-limits", "off"] });
  bearer = await token({ sub: "writer", publish: ["*"] });
}, 30_000);

afterAll(() => server.stop());

/** Takes all the room there is, down to the last page. */
function fill(): void {
  const file = openSync(join(server.disk, "ballast"), "a");
  try {
    for (const bytes of [1024 * 1024, 4096, 1]) {
      const piece = Buffer.alloc(bytes);
      for (let isRoom = true; isRoom; ) {
        try {
          writeSync(file, piece);
        } catch (error) {
          expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
          isRoom = false;
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

async function post(
  path: string,
  body: unknown,
): Promise<{
  status: number;
  type: string;
  retryAfter: string | null;
  body: Record<string, unknown>;
}> {
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const response = await server.get(path, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    retryAfter: response.headers.get("retry-after"),
    body: text === "" ? {} : JSON.parse(text),
  };
}

let written = 0;
const comment = () =>
  post("/v1/videos/full/comments", {
    text: `${++written} ${"x".repeat(150)}`,
    clientId: `c${written}`,
  });

test("comments get 507, likes and live events work, reads work, and room repairs all", async () => {
  const viewer = new Viewer({ port: server.port, path: `/v1/events?topic=${TOPIC}` });
  await until(() => viewer.isConnected, "the viewer is connected");
  let stored = 0;
  for (; stored < 5; stored++) expect(await comment()).toMatchObject({ status: 201 });

  fill();
  let refused = await comment();
  // What the log has reserved is used up first.
  for (; refused.status === 201 && stored < 5000; stored++) refused = await comment();
  expect(refused).toMatchObject({
    status: 507,
    body: { code: "log-full", status: 507, title: "The log has no room; nothing was stored" },
  });
  expect(refused.type).toContain("application/problem+json");
  expect(refused.retryAfter).toBe("5");
  const event = { topic: TOPIC, type: "goal", data: {} };
  expect(await post("/v1/publish", { ...event, durable: true, id: "one" })).toMatchObject({
    status: 507,
    body: { code: "log-full" },
  });
  // In one request with a durable event a live one waits for it: all or nothing.
  expect((await post("/v1/publish", [event, { ...event, durable: true }])).status).toBe(507);

  const goals = () => viewer.of("goal").length;
  expect(goals()).toBe(0);
  expect((await post("/v1/publish", event)).status).toBe(202);
  await until(() => goals() === 1, "the live event arrives");
  expect((await post("/v1/videos/full/likes", { kind: "like", count: 3 })).status).toBe(202);
  await until(() => viewer.of("likes").length > 0, "the likes arrive");
  expect((await server.get("/healthz")).status).toBe(200);
  expect((await server.get("/readyz")).status).toBe(200);
  const kept = (await (await server.get("/v1/videos/full/comments?after=0&limit=1")).json()) as {
    head: number;
    comments: unknown[];
  };
  expect(kept).toMatchObject({ head: stored, comments: [{ seq: 1 }] });

  rmSync(join(server.disk, "ballast"));
  await until(async () => (await comment()).status === 201, "comments are stored again");
  expect((await post("/v1/publish", { ...event, durable: true, id: "one" })).body).toMatchObject({
    seqs: [stored + 2],
  });
  await until(() => viewer.seqs(TOPIC).at(-1) === stored + 2, "the viewer has all of it");
  expect(viewer.seqs(TOPIC)).toEqual(Array.from({ length: stored + 2 }, (_, index) => index + 1));
  viewer.close();
}, 60_000);
