/** The slow check of the data directory, on real files: what it finds, and how fast it reads. */

import { Database } from "bun:sqlite";
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteMemberStores, openSqliteVideoStore } from "@ovation/comments";
import { openLog } from "@ovation/log";
import { steadyClock, toJsonText, topicOf } from "@ovation/protocol";
import pino from "pino";
import { Registry } from "prom-client";
import { until } from "../../testing/until.ts";
import {
  CHECK_BYTES_PER_SECOND_MAX,
  CHECK_EVERY_MS,
  CHECK_FIRST_MS,
  startDataChecker,
} from "./data-checker.ts";
import { createDataDamage, DAMAGES_KEPT_MAX } from "./data-damage.ts";

setDefaultTimeout(30_000);

const EVENTS = 3_000;
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function writeData() {
  const directory = mkdtempSync(join(tmpdir(), "ovation-checker-"));
  stops.push(() => rmSync(directory, { recursive: true }));
  const pathOf = (name: string) => join(directory, `${name}.sqlite`);
  const log = await openLog({ path: pathOf("log") });
  for (let n = 0; n < EVENTS; n += 500)
    await log.append(
      Array.from({ length: 500 }, (_, i) => ({
        topic: topicOf("video", `${i % 3}`),
        type: i % 2 === 0 ? "comment" : "pin",
        at: n + i,
        data: toJsonText({ text: `number ${n + i}.` }),
      })),
    );
  await log.close();
  const videos = openSqliteVideoStore({ path: pathOf("videos") });
  for (let n = 0; n < 1_200; n++) await videos.markListed(`v${n}`, 1);
  await videos.close();
  const members = openSqliteMemberStores({ path: pathOf("members") });
  await members.inboxes.setOpen("ana", false);
  await members.close();
  return { log: pathOf("log"), stores: [pathOf("videos"), pathOf("members")] };
}

type Data = Awaited<ReturnType<typeof writeData>>;

function startChecker(data: Data, options: { everyMs?: number; bytesPerSecondMax?: number } = {}) {
  const registry = new Registry();
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const damage = createDataDamage(logger, registry, steadyClock);
  const failures: unknown[] = [];
  const startedAt = performance.now();
  stops.push(
    startDataChecker({
      ...data,
      damage,
      registry,
      clock: steadyClock,
      firstMs: 0,
      everyMs: 60_000,
      ...options,
      onFailure: (_, error) => void failures.push(error),
    }),
  );
  const metric = async (name: string) =>
    Number((await registry.getMetricsAsJSON()).find((one) => one.name === name)?.values[0]?.value);
  return {
    damage,
    lines,
    metric,
    async walked(count: number): Promise<number> {
      const checks = () => metric("ovation_data_checks_total");
      await until(async () => failures.length > 0 || (await checks()) >= count);
      expect(failures).toEqual([]);
      return performance.now() - startedAt;
    },
  };
}

function change(path: string, statement: string): void {
  const database = new Database(path);
  database.run(statement);
  database.close();
}

function replaceByte(path: string, found: Buffer, at: number, byte: number, skipped = 0): void {
  const bytes = readFileSync(path);
  let from = bytes.indexOf(found);
  for (let n = 0; n < skipped; n++) from = bytes.indexOf(found, from + 1);
  expect(from).toBeGreaterThan(0);
  bytes[from + at] = byte;
  writeFileSync(path, bytes);
}

function flipByteOf(path: string, text: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test("files that are whole: nothing is said, and all of them were read", async () => {
  const data = await writeData();
  const { damage, lines, metric, walked } = startChecker(data);
  await walked(1);
  const [, why] = damage.check;
  expect([why(), lines]).toEqual([undefined, []]);
  expect(await metric("ovation_data_checked_bytes_total")).toBeGreaterThan(EVENTS * 20);
  expect(await metric("ovation_data_checked_timestamp_seconds")).toBeGreaterThan(1_700_000_000);
});

/** Locks of this process on a database and its shared memory, by the kernel's list. */
function locksOn(path: string): readonly string[] {
  const inodes = new Set([path, `${path}-shm`].map((file) => String(statSync(file).ino)));
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter(([, , , , pid, file]) => pid === String(process.pid) && inodes.has(inodeOf(file)))
    .map(([, ...lock]) => lock.join(" "))
    .sort();
}

function inodeOf(file = ""): string {
  return file.slice(file.lastIndexOf(":") + 1);
}

// Without its locks another program truncates the shared memory, and the server ends by SIGBUS.
test("a walk leaves this process its locks on every file that it has open", async () => {
  const data = await writeData();
  const [videosPath = "", membersPath = ""] = data.stores;
  const log = await openLog({ path: data.log });
  const videos = openSqliteVideoStore({ path: videosPath });
  const members = openSqliteMemberStores({ path: membersPath });
  const entry = { topic: topicOf("video", "1"), type: "comment", at: 1, data: toJsonText({}) };
  const write = async () => {
    await log.append([entry]);
    await videos.markListed("v1", 1);
    await members.inboxes.setOpen("ana", true);
  };
  await write();
  const locks = () => [data.log, videosPath, membersPath].map(locksOn);
  const before = locks();
  for (const held of before) expect(held.length).toBeGreaterThan(0);
  await startChecker(data).walked(1);
  await write();
  expect(locks()).toEqual(before);
  await Promise.all([log.close(), videos.close(), members.close()]);
});

test("damage of any file is degraded by name, one log line, and gone when repaired", async () => {
  const data = await writeData();
  const [videos = "", members = ""] = data.stores;
  flipByteOf(data.log, "number 2717.");
  change(videos, "UPDATE ovation_videos SET closed = 1 WHERE id = 'v1100'");
  change(members, "UPDATE ovation_inboxes SET is_open = 1");
  const { damage, lines, metric, walked } = startChecker(data, { everyMs: 50 });
  await walked(2);
  const said = lines.map((line) => JSON.parse(line).damage);
  expect(said).toEqual([
    expect.stringMatching(
      new RegExp(`${data.log} is damaged: event \\d+ of video:\\d is not what`),
    ),
    `${videos} is damaged: the row ovation_videos "v1100" is not what was written`,
    `${members} is damaged: the row ovation_inboxes "ana" is not what was written`,
  ]);
  expect(await metric("ovation_data_damages")).toBe(3);
  const [, why, makes] = damage.check;
  expect(why()).toStartWith(`${said[0]} (and 2 more)`);
  expect(makes?.()).toBe("degraded");
  flipByteOf(data.log, "oumber 2717.");
  change(videos, "UPDATE ovation_videos SET closed = 0 WHERE id = 'v1100'");
  change(members, "UPDATE ovation_inboxes SET is_open = 0");
  await walked(5);
  expect(await metric("ovation_data_damages")).toBe(0);
  expect(why()).toBeUndefined();
});

test("events that are missing in a topic or at its end, and rows that no index finds", async () => {
  const data = await writeData();
  const [videos = ""] = data.stores;
  change(data.log, "DELETE FROM events WHERE topic = 1 AND seq = 7");
  change(data.log, "DELETE FROM events WHERE topic = 3 AND seq > 900");
  // A cell of `events_by_type`: its length, that of its header, 1, 1, a byte; the 11th event.
  replaceByte(data.log, Buffer.from([5, 4, 9, 9, 1, 11]), 5, 12);
  // The second copy of an id is in the index of the primary key; the first in that of the list.
  replaceByte(videos, Buffer.from("v1100"), 4, "9".charCodeAt(0), 1);
  const { lines, walked } = startChecker(data);
  await walked(1);
  const said = lines.map((line) => JSON.parse(line).damage as string);
  expect(said).toEqual([
    `${data.log} is damaged: the one before event 8 of video:0 is not there`,
    `${data.log} is damaged: the index by type does not have event 11 of video:0`,
    `${data.log} is damaged: events 901 to 996 of video:2 are not there`,
    `${videos} is damaged: no index finds the row ovation_videos "v1100"`,
    // And the one that a search passes it for.
    `${videos} is damaged: no index finds the row ovation_videos "v1101"`,
  ]);
});

test("CHECK_BYTES_PER_SECOND_MAX: a walk takes as long as its bytes need", async () => {
  const data = await writeData();
  const fast = startChecker(data);
  await fast.walked(1);
  const bytes = await fast.metric("ovation_data_checked_bytes_total");
  const slow = startChecker(data, { bytesPerSecondMax: bytes });
  expect(await slow.walked(1)).toBeGreaterThan(800);
  expect(CHECK_BYTES_PER_SECOND_MAX).toBeGreaterThan(bytes);
  expect(CHECK_FIRST_MS).toBeLessThan(CHECK_EVERY_MS);
});

test("DAMAGES_KEPT_MAX: more are counted, and not listed", async () => {
  const registry = new Registry();
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const damage = createDataDamage(logger, registry, steadyClock);
  for (let n = 0; n < DAMAGES_KEPT_MAX + 7; n++) damage.report(`row ${n} is damaged`);
  expect(lines).toHaveLength(DAMAGES_KEPT_MAX);
  expect(damage.check[1]()).toContain(`(and ${DAMAGES_KEPT_MAX + 6} more)`);
});
