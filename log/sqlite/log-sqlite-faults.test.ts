import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLITE_CHECK_BYTES_MAX } from "@ovation/database";
import type { Clock } from "@ovation/protocol";
import { verifyLog } from "../archive/log-verify.ts";
import { NAMES_MAX } from "../limits.ts";
import { type Log, LogUnavailableError, LogUnusableError } from "../log.ts";
import { type Ack, startAppender } from "../testing/appender.ts";
import { appendOne, entry, TOPIC as topic } from "../testing/entries.ts";
import { openSqliteLog } from "./log-sqlite.ts";
import { SCHEMA } from "./sqlite-schema.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ovation-log-"));
  path = join(directory, "log.sqlite");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function stampAt(log: Log, seq: number): Promise<number> {
  const page = await log.read(topic, { after: seq - 1, limit: 1 });
  return page.events[0]?.place.stamp ?? -1;
}
function clockAt(now: number): Clock {
  return { now: () => now, after: () => () => undefined };
}

describe("an SQLite log that is opened again", () => {
  test("continues the numbers, in a new epoch", async () => {
    const before = await openSqliteLog({ path });
    const first = await appendOne(before, "a");
    await before.close();
    const after = await openSqliteLog({ path });
    const second = await appendOne(after, "b");
    expect([first.seq, second.seq]).toEqual([1, 2]);
    expect(second.epoch).not.toBe(first.epoch);
    expect(await after.wrote(topic, 1, first.epoch)).toBe("yes");
    expect(await after.wrote(topic, 2, second.epoch)).toBe("yes");
    expect(await after.wrote(topic, 2, first.epoch)).toBe("no");
    await after.close();
    expect(readdirSync(directory)).toEqual(["log.sqlite"]);
  });

  test("NAMES_MAX: types beyond what a writer remembers keep their names", async () => {
    const log = await openSqliteLog({ path });
    const types = Array.from({ length: NAMES_MAX + 1 }, (_, n) => `t${n}`);
    const append = (some: readonly string[]) =>
      log.append(some.map((type) => ({ ...entry("x"), type })));
    for (let start = 0; start < types.length; start += 10_000)
      await append(types.slice(start, start + 10_000));
    await append(["t0", `t${NAMES_MAX}`, "t1"]);
    const { events } = await log.read(topic, { after: NAMES_MAX - 1, limit: 10 });
    expect(events.map(({ type }) => type)).toEqual([
      `t${NAMES_MAX - 1}`,
      `t${NAMES_MAX}`,
      "t0",
      `t${NAMES_MAX}`,
      "t1",
    ]);
    await log.close();
  });

  test("gives higher stamps though the clock was set back", async () => {
    const before = await openSqliteLog({ path, clock: clockAt(2_000_000_000_000) });
    const first = await appendOne(before, "a");
    await before.close();
    const after = await openSqliteLog({ path, clock: clockAt(1_900_000_000_000) });
    const second = await appendOne(after, "b");
    expect(second.stamp).toBe(first.stamp + 1);
    expect((await after.changes(first.stamp, 10)).heads).toHaveLength(1);
    await after.close();
  });

  test("recognises positions from the future that a restored backup lost", async () => {
    const log = await openSqliteLog({ path });
    for (const text of ["1", "2", "3"]) await appendOne(log, text);
    // While it runs, as `docs/operating/backup.md` says.
    const backup = join(directory, "backup.sqlite");
    const database = new Database(path);
    database.run("VACUUM INTO ?", [backup]);
    database.close();
    const lost = [await appendOne(log, "lost 4"), await appendOne(log, "lost 5")];
    await log.close();
    copyFileSync(backup, path);

    const restored = await openSqliteLog({ path });
    const [kept, future] = [await stampAt(restored, 3), lost.at(-1)];
    const life = lost[0]?.epoch ?? "";
    const isHonest = async () => {
      // What was committed up to the backup is there; what came after it is lost, however late one
      // looks.
      expect(await restored.reached({ epoch: life, stamp: kept })).toBe(true);
      expect(await restored.reached({ epoch: life, stamp: kept + 1 })).toBe(false);
      expect(await restored.reached({ epoch: life, stamp: future?.stamp ?? 0 })).toBe(false);
    };
    await isHonest();
    for (const place of lost)
      expect(await restored.wrote(topic, place.seq, place.epoch)).toBe("no");
    for (const text of ["new 4", "new 5", "new 6"]) await appendOne(restored, text);
    for (const place of lost)
      expect(await restored.wrote(topic, place.seq, place.epoch)).toBe("no");
    expect(await restored.wrote(topic, 3, lost[0]?.epoch ?? "")).toBe("yes");
    await isHonest();
    const page = await restored.read(topic, { after: 0, limit: 10 });
    expect(page.events.map((event) => JSON.parse(event.data).text)).toEqual([
      "1",
      "2",
      "3",
      "new 4",
      "new 5",
      "new 6",
    ]);
    await restored.close();
  });

  test("holds every acknowledged event after kill -9, three times", async () => {
    const acks: Ack[] = [];
    for (const writer of ["a", "b", "c"]) {
      const child = startAppender(path, topic, writer, 1_000_000);
      await child.reached(700);
      await child.kill();
      acks.push(...child.acks);
    }
    const log = await openSqliteLog({ path });
    const [head] = await log.heads([topic]);
    const kept: { readonly key: string; readonly epoch: string }[] = [];
    while (kept.length < (head?.seq ?? 0)) {
      const page = await log.read(topic, { after: kept.length, limit: 1000 });
      expect(page.events[0]?.place.seq).toBe(kept.length + 1);
      for (const event of page.events)
        kept.push({ key: JSON.parse(event.data).key, epoch: event.place.epoch });
    }
    expect(acks.length).toBeGreaterThanOrEqual(2100);
    for (const { seq, epoch, key } of acks) expect(kept[seq - 1]).toEqual({ key, epoch });
    expect(new Set(kept.map((event) => event.key)).size).toBe(kept.length);
    // A retry of what may or may not have been stored is stored once.
    const last = kept.at(-1)?.key ?? "";
    const again = await log.append([{ ...entry("again"), key: last }]);
    expect(again[0]).toMatchObject({ duplicate: true, place: { seq: kept.length } });
    await log.close();
  });
});

describe("a file that is not a log of this version", () => {
  /** Opening fails, says why, and leaves every byte and every file as they were. */
  async function expectRefused(says: RegExp): Promise<void> {
    const bytes = readFileSync(path);
    const files = readdirSync(directory);
    try {
      await openSqliteLog({ path });
      throw new Error("it was opened");
    } catch (error) {
      expect(error).toBeInstanceOf(LogUnusableError);
      expect(String(error)).toMatch(says);
    }
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(directory)).toEqual(files);
  }
  async function makeLog(): Promise<void> {
    const log = await openSqliteLog({ path });
    await log.append(
      Array.from({ length: 500 }, (_, index) => entry(`${index} ${"x".repeat(100)}`)),
    );
    await log.close();
  }

  test("is refused when it is of a newer version", async () => {
    await makeLog();
    const database = new Database(path);
    database.run(`PRAGMA user_version = ${SCHEMA.migrations.length + 1}`);
    database.close();
    await expectRefused(/start the newer version/);
  });

  test("is refused when it is another program's SQLite file", async () => {
    const database = new Database(path);
    database.run("CREATE TABLE songs (name TEXT)");
    database.close();
    await expectRefused(/another program/);
  });

  test("is refused when it is no SQLite file", async () => {
    writeFileSync(path, "Dear diary, ".repeat(1000));
    await expectRefused(/not an Ovation log/);
  });

  test("is refused when its beginning is damaged", async () => {
    await makeLog();
    const bytes = readFileSync(path);
    bytes.fill(0, 0, 2000);
    writeFileSync(path, bytes);
    await expectRefused(/not an Ovation log/);
  });

  test("is refused when its middle is damaged", async () => {
    await makeLog();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 8192);
    writeFileSync(path, bytes);
    await expectRefused(/damaged.*backup/s);
  });

  test("SQLITE_CHECK_BYTES_MAX: up to it all pages are checked at open", async () => {
    await makeLog();
    /** A table of so many bytes, whose pages are damaged. */
    const addDamage = (bytes: number) => {
      const database = new Database(path);
      database.run("CREATE TABLE IF NOT EXISTS ballast (bytes BLOB)");
      database.run("DELETE FROM ballast");
      database.run(`INSERT INTO ballast VALUES (zeroblob(${bytes}))`);
      database.run("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
      const { size } = statSync(path);
      const file = openSync(path, "r+");
      // The beginning of a page that overflows names the next one.
      for (let at = Math.floor(size / 8192) * 4096; at < size - 4096; at += 1 << 20)
        writeSync(file, new Uint8Array(8).fill(0xa5), 0, 8, at);
      closeSync(file);
      return size;
    };
    expect(addDamage(SQLITE_CHECK_BYTES_MAX / 4)).toBeLessThan(SQLITE_CHECK_BYTES_MAX);
    await expectRefused(/damaged.*backup/s);
    rmSync(path);
    await makeLog();
    expect(addDamage(SQLITE_CHECK_BYTES_MAX)).toBeGreaterThan(SQLITE_CHECK_BYTES_MAX);
    const log = await openSqliteLog({ path });
    expect((await appendOne(log, "next")).seq).toBe(501);
    await log.close();
    expect((await verifyLog({ path })).problemCount).toBeGreaterThan(0);
  });

  test("is refused when its end is missing", async () => {
    await makeLog();
    truncateSync(path, Math.floor(readFileSync(path).length / 8192) * 4096);
    await expectRefused(/damaged.*backup/s);
  });

  test("is refused where no file can be made", async () => {
    writeFileSync(join(directory, "file"), "not a directory");
    await expect(openSqliteLog({ path: join(directory, "file", "log.sqlite") })).rejects.toThrow(
      /cannot be opened.*Check --data/,
    );
    await expect(openSqliteLog({ path: directory })).rejects.toThrow(LogUnusableError);
  });

  test("is made where there is none, in a missing directory, and in an empty file", async () => {
    for (const name of ["new/deep/log.sqlite", "empty.sqlite"]) {
      const file = join(directory, name);
      if (name.startsWith("empty")) writeFileSync(file, "");
      const log = await openSqliteLog({ path: file });
      expect((await appendOne(log, "x")).seq).toBe(1);
      await log.close();
    }
  });
});

describe("an SQLite log under pressure", () => {
  test("waits for another writer that holds the file, while reads continue", async () => {
    const log = await openSqliteLog({ path });
    await appendOne(log, "first");
    const other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    const appending = appendOne(log, "second");
    await Bun.sleep(50);
    // Reads do not wait for writers.
    expect((await log.heads([topic]))[0]?.seq).toBe(1);
    other.run("COMMIT");
    other.close();
    expect((await appending).seq).toBe(2);
    await log.close();
  });

  test("refuses appends beyond its queue as overloaded, and stores all it took", async () => {
    const log = await openSqliteLog({ path, queueEntriesMax: 50 });
    const results = await Promise.allSettled(
      Array.from({ length: 80 }, (_, index) => log.append([entry(`${index}`)])),
    );
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused).toHaveLength(30);
    for (const one of refused) expect(one.reason).toBeInstanceOf(LogUnavailableError);
    expect((await log.heads([topic]))[0]?.seq).toBe(50);
    await log.close();
  });

  test("reports a full disk, keeps reading, and recovers when there is room", async () => {
    // A disk of its own, in a mount namespace that goes with the child.
    const child = Bun.spawn(
      [
        "unshare",
        "--mount",
        ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
        process.execPath,
        join(import.meta.dir, "../testing/full-disk-child.ts"),
        directory,
      ],
      { stdout: "pipe", stderr: "inherit" },
    );
    const output = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const { stored, afterRoom, events, error } = JSON.parse(output);
    expect(error).toBe("LogFullError");
    expect(stored).toBeGreaterThan(10);
    expect(afterRoom).toBe(stored + 1);
    expect(events).toBe(stored + 1);
  });
});
