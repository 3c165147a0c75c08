/**
 * Fills a small disk with a log, deletes a file to free space, and appends again. Prints the events
 * that were stored and the errors, as JSON. Runs in a mount namespace (`unshare --mount`); the
 * argument is an empty directory.
 */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toJsonText, topicOf } from "@ovation/protocol";
import { openSqliteLog } from "../mod.ts";

const DISK_MEGABYTES = 8;
const directory = process.argv[2] ?? "";
const mount = Bun.spawnSync([
  "mount",
  "-t",
  "tmpfs",
  "-o",
  `size=${DISK_MEGABYTES}m`,
  "tmpfs",
  directory,
]);
if (mount.exitCode !== 0) throw new Error(`mount: ${mount.stderr.toString()}`);

const ballast = join(directory, "ballast");
writeFileSync(ballast, Buffer.alloc((DISK_MEGABYTES - 4) * 1024 * 1024));
const topic = topicOf("video", "1");
const log = await openSqliteLog({ path: join(directory, "log.sqlite") });

async function append(): Promise<number> {
  const [appended] = await log.append([
    { topic, type: "comment", at: 1, data: toJsonText({ text: "x".repeat(20_000) }) },
  ]);
  return appended?.place.seq ?? 0;
}

let stored = 0;
let error = "none";
while (error === "none") {
  try {
    stored = await append();
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.name : String(thrown);
  }
}
// Still full a while later, and still readable.
for (let attempt = 0; attempt < 5; attempt++) {
  const outcome = await append().catch((thrown: Error) => thrown.name);
  if (outcome !== "LogFullError") error = `then ${outcome}`;
}
const [head] = await log.heads([topic]);
if (head?.seq !== stored) error = `the head is ${head?.seq} after ${stored} were stored`;
rmSync(ballast);
const afterRoom = await append();
const events = (await log.read(topic, { after: 0, limit: 1000 })).events.length;
await log.close();
console.log(JSON.stringify({ stored, afterRoom, events, error }));
