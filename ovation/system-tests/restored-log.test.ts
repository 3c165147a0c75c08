/**
 * A log that is restored from a backup under `ovation start`, and what a plain EventSource is told.
 */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

setDefaultTimeout(60_000);

const PATH = "/v1/events?topic=video:a&topic=video:b";
let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.stop());

async function comment(topic: string, text: string): Promise<void> {
  const data = { text, author: { id: "ana", name: "Ana" } };
  await server.publish([{ topic, type: "comment", data, durable: true }]);
}

test("a viewer that may have a lost future gets `recovered: false`", async () => {
  const viewer = new Viewer({ port: server.port, path: PATH });
  await until(() => viewer.isConnected, "the viewer is connected");
  await comment("video:a", "a1");
  for (let count = 1; count <= 3; count++) await comment("video:b", `b${count}`);

  const log = join(server.directory, "data", "log.sqlite");
  const backup = join(server.directory, "backup.sqlite");
  const database = new Database(log);
  database.run("VACUUM INTO ?", [backup]);
  database.close();
  for (let count = 4; count <= 5; count++) await comment("video:b", `lost ${count}`);
  await until(() => viewer.of("comment").length === 6, "six comments arrive");
  // The last frame is of the topic that loses nothing.
  await server.publish([{ topic: "video:a", type: "note", data: "live" }]);
  await until(() => viewer.of("note").length === 1, "the note arrives");
  const { lastEventId } = viewer;
  viewer.close();

  await server.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(log + suffix, { force: true });
  copyFileSync(backup, log);
  await server.run();
  const headers = { "Last-Event-ID": lastEventId };
  const back = new Viewer({ port: server.port, path: PATH, headers });
  await until(() => back.isConnected, "it is back");
  expect(back.of("connection")[0]?.data.topics).toEqual({
    "video:a": { head: 1, recovered: true },
    "video:b": { head: 3, recovered: false },
  });
  for (let count = 4; count <= 7; count++) await comment("video:b", `new ${count}`);
  await until(() => back.of("comment").length === 4, "the new comments arrive");
  const later = new Viewer({ port: server.port, path: PATH, headers });
  await until(() => later.isConnected, "it is back later");
  expect(later.of("connection")[0]?.data.topics["video:b"]).toEqual({ head: 7, recovered: false });

  // A restart that loses nothing is none of this.
  const whole = back.lastEventId;
  back.close();
  later.close();
  await server.kill();
  await server.run();
  const after = new Viewer({ port: server.port, path: PATH, headers: { "Last-Event-ID": whole } });
  await until(() => after.isConnected, "it is back after a restart");
  expect(after.of("connection")[0]?.data.topics).toEqual({
    "video:a": { head: 1, recovered: true },
    "video:b": { head: 7, recovered: true },
  });
  after.close();
});
