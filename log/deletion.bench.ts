/**
 * What each mode of `secure_delete` costs, and what it leaves: 100,000 comments appended and
 * deleted in slices, as retention and the deletion of a video do. `sh ovation/bin/bun
 * log/deletion.bench.ts`
 */

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SLICES = 100;
const SLICE_EVENTS = 1000;

const directory = mkdtempSync(join(tmpdir(), "ovation-deletion-"));
const cpuMs = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return ((user + system) / 1000).toFixed(0);
};
for (const mode of ["OFF", "FAST", "ON"]) {
  const path = join(directory, `${mode}.sqlite`);
  const database = new Database(path, { create: true });
  for (const pragma of ["journal_mode = WAL", "synchronous = FULL", `secure_delete = ${mode}`])
    database.run(`PRAGMA ${pragma}`);
  database.run(
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, topic INTEGER NOT NULL, data TEXT NOT NULL)",
  );
  const insert = database.query("INSERT INTO events VALUES (?, 1, ?)");
  const appending = process.cpuUsage();
  for (let slice = 0; slice < SLICES; slice++)
    database.transaction(() => {
      for (let index = 0; index < SLICE_EVENTS; index++)
        insert.run(slice * SLICE_EVENTS + index, `{"text":"REMOVED ${"x".repeat(150)}"}`);
    })();
  const appended = cpuMs(appending);
  const remove = database.query("DELETE FROM events WHERE seq < ?");
  const deleting = process.cpuUsage();
  for (let slice = 1; slice <= SLICES; slice++) remove.run(slice * SLICE_EVENTS);
  const deleted = cpuMs(deleting);
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const left = (await Bun.file(path).text()).split("REMOVED").length - 1;
  console.log(`${mode}: append ${appended} ms, delete ${deleted} ms of CPU; ${left} texts left`);
  database.close();
}
rmSync(directory, { recursive: true });
