/** A damaged backup that is restored as backup.md says: found by verify, never served. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteMemberStores, openSqliteVideoStore } from "@ovation/comments";
import { openLog } from "@ovation/log";
import { toJsonText, topicOf } from "@ovation/protocol";
import { freePort } from "../../testing/free-port.ts";

setDefaultTimeout(120_000);

const COMMAND = join(import.meta.dir, "../bin/ovation");
const NAMES = ["log", "videos", "members"] as const;
type Name = (typeof NAMES)[number];
const PAGE_BYTES = 4_096;
/** Text that is in the file once or more; the last one is in a row. */
const TEXTS: Readonly<Record<Name, string>> = {
  log: "word number 77.",
  videos: "Title of v77.",
  members: "because of v77.",
};

let directory: string;
let backup: string;
let cases = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-damaged-backup-"));
  const live = (name: Name) => join(directory, `${name}.sqlite`);
  const log = await openLog({ path: live("log") });
  const videos = openSqliteVideoStore({ path: live("videos") });
  const { sanctions, close } = openSqliteMemberStores({ path: live("members") });
  for (let n = 0; n < 200; n++) {
    const data = toJsonText({ text: `word number ${n}.` });
    await log.append([{ topic: topicOf("video", "one"), type: "goal", at: n, data }]);
    await videos.put(`v${n}`, { title: `Title of v${n}.` }, n);
    const ban = { member: `v${n}`, video: "", kind: "ban" as const, until: null };
    await sanctions.put({ ...ban, reason: `because of v${n}.`, at: n, by: "host" });
  }
  backup = join(directory, "backup");
  mkdirSync(backup);
  for (const name of NAMES) {
    const database = new Database(live(name), { readonly: true });
    database.run("VACUUM INTO ?", [join(backup, `${name}.sqlite`)]);
    database.close();
  }
  await Promise.all([log.close(), videos.close(), close()]);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The backup in a data directory, one file of it changed. */
function restore(damaged?: Name, change?: (bytes: Buffer) => Buffer): string {
  const data = join(directory, `data ${++cases}`);
  mkdirSync(data);
  for (const name of NAMES)
    copyFileSync(join(backup, `${name}.sqlite`), join(data, `${name}.sqlite`));
  if (damaged !== undefined && change !== undefined) {
    const path = join(data, `${damaged}.sqlite`);
    writeFileSync(path, change(readFileSync(path)));
  }
  return data;
}

function run(...parameters: readonly string[]) {
  const child = Bun.spawnSync(["timeout", "15", "sh", COMMAND, ...parameters]);
  return { code: child.exitCode, text: child.stdout.toString() + child.stderr.toString() };
}

test("a backup that is whole verifies", () => {
  const { code, text } = run("log", "verify", "--data", restore());
  expect([code, text]).toEqual([0, expect.stringContaining("whole")]);
  expect(text).toContain("200 rows of members.sqlite");
});

const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "cut to half": (bytes) => bytes.subarray(0, bytes.length / 2),
  "without its last bytes": (bytes) => bytes.subarray(0, bytes.length - 100),
  "with a page of zeros": (bytes) => Buffer.from(bytes).fill(0, 2 * PAGE_BYTES, 3 * PAGE_BYTES),
};
const EACH = NAMES.flatMap((name) =>
  Object.entries(DAMAGES).map(([what, change]) => [name, what, change] as const),
);

test.each(EACH)(
  "%s %s: verify names it, and a server does not start on it",
  async (name, _, change) => {
    const data = restore(name, change);
    const path = join(data, `${name}.sqlite`);
    const verified = run("log", "verify", "--data", data);
    expect([verified.code, verified.text]).toEqual([1, expect.stringContaining(path)]);
    expect(verified.text).not.toContain("whole");
    const started = run("start", "--data", data, "--port", String(await freePort()));
    expect([started.code, started.text]).toEqual([1, expect.stringContaining(path)]);
    expect(started.text).not.toContain("    at ");
  },
);

test.each(NAMES)("%s with a flipped bit in a text: verify names the row", (name) => {
  const data = restore(name, (bytes) => {
    const at = bytes.lastIndexOf(TEXTS[name]);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  });
  const { code, text } = run("log", "verify", "--data", data);
  const row = name === "log" ? '"video:one" 78' : `row ovation_`;
  expect([code, text]).toEqual([1, expect.stringContaining(row)]);
  expect(text).toContain("is not what was written");
});
