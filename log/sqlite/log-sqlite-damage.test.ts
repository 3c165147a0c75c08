/**
 * A bit flips, a file is cut short, a tail was not synced, a WAL belongs to another file: what is
 * read is exactly what was acknowledged, or it is refused with a sentence that names the file.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import { exportLog } from "../archive/log-export.ts";
import { verifyLog } from "../archive/log-verify.ts";
import { type Log, LogDamagedError, LogUnusableError } from "../log.ts";
import {
  cuts,
  type Damage,
  flips,
  type Image,
  imageOf,
  placeImage,
  withFile,
} from "../testing/damage.ts";
import { openSqliteLog } from "./log-sqlite.ts";

setDefaultTimeout(300_000);

interface Written {
  readonly seq: number;
  readonly type: string;
  data: string;
}
type Truth = ReadonlyMap<Topic, readonly Written[]>;

const TYPES = ["comment", "comment-removed", "pin"];
let directory: string;
let cases = 0;
/** Closed well; with the last commits in the WAL; and the same of another log. */
let closed: Image;
let crashed: Image;
let other: Image;
let truth: Map<Topic, Written[]>;
let closedTruth: Truth;

async function write(log: Log, into: Map<Topic, Written[]>, commits: number, text: string) {
  for (let n = 0; n < commits; n++) {
    const topic = topicOf("video", `${n % 5}`);
    const type = n % 11 === 10 ? "comment-removed" : n % 17 === 16 ? "pin" : "comment";
    const data = toJsonText({ text: `${text} ${n} ${"x".repeat(n % 90)}` });
    const [appended] = await log.append([{ topic, type, at: n, data, key: `${text} ${n}` }]);
    const events = into.get(topic) ?? [];
    events.push({ seq: appended?.place.seq ?? 0, type, data });
    into.set(topic, events);
  }
  const [first] = into.get(topicOf("video", "0")) ?? [];
  const removed = toJsonText({ removed: text });
  const topic = topicOf("video", "0");
  const replace = { seq: 1, data: removed };
  const [last] = await log.append([{ topic, type: "pin", at: 1, data: removed, replace }]);
  if (first !== undefined) first.data = removed;
  into.get(topic)?.push({ seq: last?.place.seq ?? 0, type: "pin", data: removed });
}

function copyOf(of: Truth): Truth {
  return new Map([...of].map(([topic, events]) => [topic, events.map((event) => ({ ...event }))]));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-damage-"));
  const path = join(directory, "log.sqlite");
  truth = new Map();
  let log = await openSqliteLog({ path });
  await write(log, truth, 240, "first");
  await log.close();
  closed = imageOf("closed", path);
  closedTruth = copyOf(truth);
  log = await openSqliteLog({ path });
  await write(log, truth, 40, "second");
  crashed = imageOf("crashed", path);
  await log.close();
  const otherPath = join(directory, "other.sqlite");
  log = await openSqliteLog({ path: otherPath });
  await write(log, new Map(), 300, "of another log");
  other = imageOf("other", otherPath);
  await log.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What is wrong with what was served; undefined where it is true, or refused as it must be. */
async function faultOf({ image }: Damage, expected: Truth): Promise<string | undefined> {
  const place = join(directory, `case ${++cases}`);
  const path = placeImage(image, place, "log.sqlite");
  const refusal = (error: unknown): string | undefined => {
    const isRefusal = error instanceof LogUnusableError || error instanceof LogDamagedError;
    if (isRefusal && error.message.includes(path)) return undefined;
    return `refused as ${error instanceof Error ? error.stack : error}`;
  };
  let log: Log;
  try {
    log = await openSqliteLog({ path });
  } catch (error) {
    rmSync(place, { recursive: true });
    return refusal(error);
  }
  const ask = async (what: string, read: () => Promise<unknown>, want: unknown) => {
    try {
      const found = JSON.stringify(await read());
      return found === JSON.stringify(want) ? undefined : `${what}: ${found.slice(0, 300)}`;
    } catch (error) {
      return refusal(error);
    }
  };
  try {
    for (const [topic, events] of expected) {
      const read = async (query: Parameters<Log["read"]>[1]) =>
        (await log.read(topic, query)).events.map(({ place: { seq }, type, data }) => ({
          seq,
          type,
          data,
        }));
      const faults = [
        await ask("head", async () => (await log.heads([topic]))[0]?.seq, events.at(-1)?.seq),
        await ask("up", () => read({ after: 0, limit: 1_000 }), events),
        await ask("down", () => read({ limit: 20 }), events.slice(-20)),
        ...(await Promise.all(
          TYPES.map((type) =>
            ask(
              type,
              () => read({ limit: 1_000, types: [type] }),
              events.filter((event) => event.type === type),
            ),
          ),
        )),
      ];
      const fault = faults.find((found) => found !== undefined);
      if (fault !== undefined) return `${topic} ${fault}`;
    }
    return undefined;
  } finally {
    await log.close().catch(() => undefined);
    rmSync(place, { recursive: true });
  }
}

async function expectHonest(damages: Iterable<Damage>, expected: Truth): Promise<void> {
  const faults: string[] = [];
  let count = 0;
  for (const damage of damages) {
    count++;
    const fault = await faultOf(damage, expected);
    if (fault !== undefined) faults.push(`${damage.what}: ${fault}`);
  }
  expect(faults).toEqual([]);
  expect(count).toBeGreaterThan(0);
}

describe("a damaged SQLite log serves what was acknowledged, or refuses by name", () => {
  test("undamaged, it is whole", async () => {
    expect(await faultOf({ what: "", image: closed }, closedTruth)).toBeUndefined();
    expect(await faultOf({ what: "", image: crashed }, truth)).toBeUndefined();
    const path = placeImage(crashed, join(directory, "whole"), "log.sqlite");
    const log = await openSqliteLog({ path });
    expect((await log.heads([topicOf("video", "0")]))[0]?.seq).toBe(
      truth.get(topicOf("video", "0"))?.length ?? 0,
    );
    await log.close();
    expect((await verifyLog({ path })).problems).toEqual([]);
  });

  test("a letter of a comment: refused where it is read, by verify and by export", async () => {
    const path = placeImage(closed, join(directory, "letter"), "log.sqlite");
    const bytes = readFileSync(path);
    const at = bytes.indexOf("first 25 ");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const named = new RegExp(`${path}.*event 6 of video:0 is not what was written`);
    const log = await openSqliteLog({ path });
    const topic = topicOf("video", "0");
    await expect(log.read(topic, { after: 0, limit: 10 })).rejects.toThrow(named);
    expect((await log.read(topic, { after: 6, limit: 10 })).events).toHaveLength(10);
    await log.close();
    expect((await verifyLog({ path })).problems).toEqual(['"video:0" 6 is not what was written']);
    const exported = exportLog({ path }, () => undefined);
    await expect(exported).rejects.toThrow(/log\.sqlite: .*event 6 of video:0/);
  });

  test("bits of the main file", () => expectHonest(flips(closed, "", 400), closedTruth));
  test("bits of the main file beside a WAL", () => expectHonest(flips(crashed, "", 1_500), truth));
  test("bits of the WAL", () => expectHonest(flips(crashed, "-wal", 3_000), truth));
  test("bits of the index of the WAL", () => expectHonest(flips(crashed, "-shm", 400), truth));
  test("the main file cut short", () => expectHonest(cuts(closed, "", 60), closedTruth));
  test("the WAL cut short", () => expectHonest(cuts(crashed, "-wal", 60), truth));
  test("the index of the WAL cut short", () => expectHonest(cuts(crashed, "-shm", 10), truth));

  test("bits of a WAL without its index: commits that others followed are not lost", async () => {
    const image = withFile(crashed, "-shm", undefined);
    const bytes = (image.files.get("-wal") as Buffer).length;
    for (const damage of flips(image, "-wal", 5_000)) {
      const at = Number(/byte ([0-9]+)/.exec(damage.what)?.[1]);
      // The last transaction may be one that was not synced.
      if (at < bytes - 64 * 1024) expect(await faultOf(damage, truth)).toBeUndefined();
    }
  });

  test("no WAL, an empty one, one of another log; an empty main file beside a WAL", () =>
    expectHonest(
      [
        { what: "no WAL", image: withFile(crashed, "-wal", undefined) },
        { what: "empty WAL", image: withFile(crashed, "-wal", Buffer.alloc(0)) },
        { what: "WAL of another log", image: withFile(crashed, "-wal", other.files.get("-wal")) },
        { what: "empty main file", image: withFile(crashed, "", Buffer.alloc(0)) },
        { what: "no main file", image: withFile(crashed, "", undefined) },
      ],
      truth,
    ));
});
