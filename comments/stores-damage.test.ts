/**
 * Bits that flip and files that are cut short in videos.sqlite and members.sqlite: refused by the
 * file's name, or read without a row missing or more, and never a programmer's error.
 */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cuts,
  type Damage,
  flips,
  type Image,
  imageOf,
  placeImage,
} from "../log/testing/damage.ts";
import { openSqliteMemberStores } from "./member-stores-sql.ts";
import { StoreUnavailableError, StoreUnusableError } from "./sql-database.ts";
import { CHECK_BYTES_MAX } from "./sql-database-sqlite.ts";
import { openSqliteVideoStore } from "./video-store-sql.ts";

setDefaultTimeout(120_000);

const IDS = Array.from({ length: 120 }, (_, n) => `v${String(n).padStart(3, "0")}`);
let directory: string;
let cases = 0;
let videos: Image;
let members: Image;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-stores-damage-"));
  const [videosPath, membersPath] = [join(directory, "v.sqlite"), join(directory, "m.sqlite")];
  const store = openSqliteVideoStore({ path: videosPath });
  for (const id of IDS) await store.put(id, { title: `Title of ${id}` }, 1_000);
  await store.close();
  videos = imageOf("videos", videosPath);
  const people = openSqliteMemberStores({ path: membersPath });
  for (const id of IDS) await people.blocks.set("ana", id, true);
  await people.close();
  members = imageOf("members", membersPath);
});
afterAll(() => rmSync(directory, { recursive: true }));

const readVideos = async (path: string) => {
  const store = openSqliteVideoStore({ path });
  try {
    return (await store.read(IDS)).map((video) => video?.id);
  } finally {
    await store.close();
  }
};
const readBlocks = async (path: string) => {
  const people = openSqliteMemberStores({ path });
  try {
    return await people.blocks.list("ana", 1_000);
  } finally {
    await people.close();
  }
};

async function faultOf({ what, image }: Damage, read: (path: string) => Promise<unknown>) {
  const place = join(directory, `case ${++cases}`);
  const path = placeImage(image, place, "store.sqlite");
  try {
    const found = JSON.stringify(await read(path));
    return found === JSON.stringify(IDS) ? undefined : `${what}: ${found.slice(0, 200)}`;
  } catch (error) {
    if (error instanceof StoreUnusableError && error.message.includes(path)) return undefined;
    if (error instanceof StoreUnavailableError) return undefined;
    return `${what}: ${error instanceof Error ? error.stack : error}`;
  } finally {
    rmSync(place, { recursive: true });
  }
}

for (const [name, imageNamed, read] of [
  ["videos", () => videos, readVideos],
  ["members", () => members, readBlocks],
] as const) {
  test(`${name}: every video or block is there, or the file is refused by name`, async () => {
    const faults: unknown[] = [];
    for (const damage of [...flips(imageNamed(), "", 300), ...cuts(imageNamed(), "", 30)])
      faults.push(await faultOf(damage, read));
    expect(faults.length).toBeGreaterThan(100);
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });
}

test("CHECK_BYTES_MAX: a larger file is opened without a look at all of it", () => {
  const path = placeImage(videos, join(directory, "large"), "store.sqlite");
  truncateSync(path, (videos.files.get("") as Buffer).length - 4_096);
  expect(() => openSqliteVideoStore({ path })).toThrow(StoreUnusableError);
  const large = placeImage(videos, join(directory, "larger"), "store.sqlite");
  truncateSync(large, CHECK_BYTES_MAX + 4_096);
  expect(() => openSqliteVideoStore({ path: large })).not.toThrow();
});
