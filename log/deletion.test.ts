/** What is deleted is in no page of the file. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_POLICY, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { openSqliteLog } from "./sqlite/log-sqlite.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ovation-deletion-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

test("texts of a cleared topic are nowhere in the log's files after its stop", async () => {
  const path = join(directory, "log.sqlite");
  const log = await openSqliteLog({ path, clock: systemClock, policy: DEFAULT_POLICY });
  const entry = (topic: string, text: string) => ({
    topic: topicOf("video", topic),
    type: "comment",
    at: 1,
    data: toJsonText({ text: `${text} ${"x".repeat(200)}` }),
  });
  for (let slice = 0; slice < 20; slice++)
    await log.append(Array.from({ length: 100 }, () => entry("gone", "ERASED")));
  await log.append([entry("kept", "PRESERVED")]);
  const [head] = await log.heads([topicOf("video", "gone")]);
  await log.clear(topicOf("video", "gone"), (head?.seq ?? 0) + 1);
  await log.close();
  const files = readdirSync(directory).map((file) => readFileSync(join(directory, file), "latin1"));
  expect(files.join("")).toContain("PRESERVED");
  expect(files.join("").split("ERASED").length - 1).toBe(0);
});
