import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJsonText, topicOf } from "@ovation/protocol";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { PROBLEMS_MAX } from "../limits.ts";
import { LogUnusableError } from "../log.ts";
import { type LogLocation, openLog } from "../open-log.ts";
import { LogClient } from "../postgres/log-client.ts";
import { RETENTION } from "../testing/contract-log.ts";
import { exportLog } from "./log-export.ts";
import { importLog, LogImportError } from "./log-import.ts";
import { verifyLog } from "./log-verify.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

const [many, few, none] = [topicOf("video", "many"), topicOf("few", "1"), topicOf("none", "1")];

let directory: string;
let postgres: TestPostgres;
let count = 0;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-archive-"));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  rmSync(directory, { recursive: true });
});

interface Form {
  readonly name: string;
  locate(): Promise<LogLocation>;
  /** Runs SQL behind the log's back. Tables are named without a schema. */
  tamper(location: LogLocation, sql: string): Promise<void>;
}

const forms: readonly Form[] = [
  {
    name: "SQLite",
    locate: async () => ({ path: join(directory, `log${++count}.sqlite`) }),
    async tamper(location, sql) {
      const database = new Database("path" in location ? location.path : "");
      database.run(sql);
      database.close();
    },
  },
  {
    name: "PostgreSQL",
    locate: async () => ({ url: await postgres.createDatabase(`archive${++count}`) }),
    async tamper(location, sql) {
      const client = new LogClient("url" in location ? location.url : "");
      await client.transaction("appends", async (query) => {
        await query("SET LOCAL search_path = ovation_log");
        await query(sql);
      });
      await client.close();
    },
  },
];

/** 2,500 events in one topic, 10 kept of 15 in another, and a third whose events are all gone. */
async function fill(location: LogLocation): Promise<void> {
  const log = await openLog({ ...location, policy: RETENTION });
  await log.append(
    Array.from({ length: 2500 }, (_, index) => ({
      topic: many,
      type: index % 100 === 0 ? "pin" : "comment",
      at: 1_732_300_000_000 + index,
      data: toJsonText({ text: `${index} "quoted" 😀\n`, number: 1.5e300, list: [null, true] }),
      key: `k${index}`,
    })),
  );
  await log.append(
    [many, few].flatMap((topic) =>
      Array.from({ length: 15 }, () => ({ topic, type: "comment", at: 5, data: toJsonText("x") })),
    ),
  );
  await log.append(
    Array.from({ length: 7 }, () => ({
      topic: none,
      type: "comment",
      at: 5,
      data: toJsonText("x"),
    })),
  );
  await log.trim(1000);
  await log.close();
}
async function exported(location: LogLocation): Promise<string[]> {
  let text = "";
  await exportLog(location, (lines) => {
    text += lines;
  });
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n");
}
/** Without what an import changes. */
function withoutEpochs(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/"epoch":"[a-z0-9]+"/, ""));
}

for (const form of forms) {
  describe(`the archive of a log in ${form.name}`, () => {
    test("verifies a whole log as whole", async () => {
      const location = await form.locate();
      await fill(location);
      const seen: number[] = [];
      const report = await verifyLog(location, (progress) => seen.push(progress.events));
      expect(report).toEqual({
        topics: 3,
        events: 2525,
        keys: 2500,
        problems: [],
        problemCount: 0,
      });
      expect(seen.at(-1)).toBe(2525);
    });

    test("finds holes, broken data, foreign types, falling stamps, orphans", async () => {
      const cases: readonly (readonly [sql: string, says: RegExp])[] = [
        ["DELETE FROM events WHERE seq = 1200", /has a hole from 1200 to 1200/],
        [
          "UPDATE topics SET seq = seq + 1 WHERE name = 'video:many'",
          /has a hole from 2516 to 2516/,
        ],
        ["UPDATE topics SET first = 12 WHERE name = 'few:1'", /keeps events before its first, 12/],
        [
          "UPDATE events SET data = '{\"text\":' WHERE seq = 7",
          /"video:many" 7: its data is not JSON/,
        ],
        ["UPDATE types SET name = 'Not A Type' WHERE name = 'pin'", /is not a type/],
        ["UPDATE events SET stamp = 5 WHERE seq = 2000", /2000: its stamp is below/],
        ["UPDATE events SET life = 99 WHERE seq = 2000", /epoch/],
        ["DELETE FROM topics WHERE name = 'few:1'", /topic/],
        ["UPDATE keys SET seq = 99999 WHERE key = 'k5'", /1 keys name events beyond/],
      ];
      const location = await form.locate();
      await fill(location);
      for (const [sql, says] of cases) {
        // One after the other: what was found before is found again.
        await form.tamper(location, sql);
        const report = await verifyLog(location);
        expect(report.problems.join("\n")).toMatch(says);
      }
    });

    test("PROBLEMS_MAX problems are listed, and all are counted", async () => {
      const location = await form.locate();
      await fill(location);
      const remove = (where: string) => form.tamper(location, `DELETE FROM events WHERE ${where}`);
      await remove(`seq % 10 = 5 AND seq > 100 AND seq <= 100 + 10 * ${PROBLEMS_MAX}`);
      const most = await verifyLog(location);
      expect([most.problems.length, most.problemCount]).toEqual([PROBLEMS_MAX, PROBLEMS_MAX]);
      await remove("seq = 2005");
      const more = await verifyLog(location);
      expect([more.problems.length, more.problemCount]).toEqual([PROBLEMS_MAX, PROBLEMS_MAX + 1]);
    });

    test("imports what it exported: same numbers, a new epoch, any form", async () => {
      const source = await form.locate();
      await fill(source);
      const lines = await exported(source);
      expect(lines).toHaveLength(1 + 2525 + 1);
      for (const target of forms) {
        const location = await target.locate();
        expect(await importLog(location, lines)).toEqual({ topics: 3, events: 2525 });
        expect(withoutEpochs(await exported(location))).toEqual(withoutEpochs(lines));
        expect((await verifyLog(location)).problems).toEqual([]);
        const [before, after] = [
          await openLog({ ...source, policy: RETENTION }),
          await openLog({ ...location, policy: RETENTION }),
        ];
        const [old] = await before.heads([many]);
        expect(await after.wrote(many, 2515, old?.epoch ?? "")).toBe("no");
        const heads = await after.heads([many, few, none]);
        expect(heads).toMatchObject([
          { seq: 2515, first: 1 },
          { seq: 15, first: 6 },
          { seq: 7, first: 8 },
        ]);
        const appended = await after.append(
          [many, few, none].map((topic) => ({
            topic,
            type: "comment",
            at: 9,
            data: toJsonText("next"),
          })),
        );
        expect(appended.map((one) => one.place.seq)).toEqual([2516, 16, 8]);
        await Promise.all([before.close(), after.close()]);
      }
    });

    test("imports nothing when a line is malformed or a topic has events", async () => {
      const location = await form.locate();
      await fill(location);
      const lines = await exported(location);
      await expect(importLog(location, lines)).rejects.toThrow(
        /line 2: the log has events of few:1 already; nothing was imported/,
      );
      const event = (more: object) =>
        JSON.stringify({
          topic: "video:new",
          seq: 1,
          type: "comment",
          at: 1,
          epoch: "a",
          stamp: 1,
          data: {},
          ...more,
        });
      const header = lines[0] ?? "";
      const cases: readonly (readonly [lines: readonly string[], says: RegExp])[] = [
        [[], /no line at all/],
        [["{}"], /line 1: this is not an export/],
        [['{"ovation-log":2}'], /format 2 is not known/],
        [[header, event({}), "{"], /line 3: it is not JSON/],
        [[header, "[]"], /not a JSON object/],
        [[header, event({ topic: "Video 1" })], /line 2: topic is not a topic/],
        [[header, event({ type: "A\nB" })], /type is not a type/],
        [[header, event({ at: -1 })], /at is not a whole number/],
        [[header, event({ seq: 0 })], /seq is not a whole number/],
        [[header, event({ data: undefined })], /data is missing/],
        [[header, event({}), event({ seq: 3 })], /line 3: video:new goes from 1 to 3/],
        [[header, event({ stamp: 5 }), event({ seq: 2, stamp: 4 })], /stamp is below/],
        [
          [header, event({}), event({ topic: "video:other" }), event({ seq: 2 })],
          /line 4: the lines of video:new are not together/,
        ],
      ];
      for (const [wrong, says] of cases) {
        await expect(importLog(location, wrong)).rejects.toThrow(says);
        await expect(importLog(location, wrong)).rejects.toThrow(LogImportError);
      }
      expect(await exported(location)).toEqual(lines);
    });

    test("says so when there is no log", async () => {
      await expect(verifyLog(await form.locate())).rejects.toThrow(LogUnusableError);
      await expect(verifyLog(await form.locate())).rejects.toThrow(/there is no log/);
    });

    test("exports one moment while the log is being written", async () => {
      const location = await form.locate();
      await fill(location);
      const log = await openLog({ ...location, policy: RETENTION });
      let lines = 0;
      await exportLog(location, async (text) => {
        lines += text.split("\n").length - 1;
        await log.append([{ topic: many, type: "comment", at: 9, data: toJsonText("later") }]);
      });
      expect(lines).toBe(2527);
      await log.close();
    });
  });
}

test("verify counts all rows of an SQLite file that name a topic that is not there", async () => {
  const [form] = forms;
  const location = await form?.locate();
  if (form === undefined || location === undefined) throw new Error("no form");
  await fill(location);
  await form.tamper(location, "DELETE FROM topics WHERE name = 'video:many'");
  const report = await verifyLog(location);
  // Its 2,515 events and 2,500 keys.
  expect([report.problems.length, report.problemCount]).toEqual([PROBLEMS_MAX, 5_015]);
});

test("verify finds damaged pages of an SQLite file", async () => {
  const path = join(directory, "damaged.sqlite");
  await fill({ path });
  const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
  // A page in the middle changes places with another one.
  bytes.copy(bytes, 4096 * 20, 4096 * 30, 4096 * 31);
  await Bun.write(path, bytes);
  const report = await verifyLog({ path });
  expect(report.problemCount).toBeGreaterThan(0);
});
