/** The judge of damaged copies, by planted lies; and what the damages do to real files. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLog } from "@ovation/log";
import { toJsonText, topicOf } from "@ovation/protocol";
import { Random } from "../../../testing/random.ts";
import { copyData, cutShort, flipBit, loseUnsynced, tearTail } from "./disk-damage.ts";
import { judgeDamaged, judgeUnsynced } from "./disk-judge.ts";
import type { ServerRun } from "./server-run.ts";

const COMMENTS = "/v1/videos/one/comments?after=0&limit=200";
const VIDEO = "/v1/videos/one";
const EVENTS = '{"topic":"video:one","seq":1}\n{"topic":"video:one","seq":2}\n';
const DAMAGED = '{"level":"error","damage":"/data/log.sqlite is damaged: event 1 of video:one"}';

function run(
  change: Partial<ServerRun> & { readonly responses?: ServerRun["responses"] } = {},
): ServerRun {
  const responses = new Map([
    [COMMENTS, { status: 200, body: '{"comments":[{"seq":1,"text":"hello"}]}' }],
    [VIDEO, { status: 200, body: '{"likes":{"like":7}}' }],
  ]);
  const exported = { code: 0, output: EVENTS, errors: "" };
  return { ended: undefined, lines: [], responses, exported, ...change };
}

function answering(path: string, status: number, body: string): ServerRun["responses"] {
  return new Map([...run().responses, [path, { status, body }]]);
}

const REFUSED = { code: 1, output: "", errors: "ovation: the log /data/log.sqlite is damaged" };

describe("what is said of damaged files", () => {
  test("is right where it is the truth, or refused by name", () => {
    expect(judgeDamaged(run(), run())).toBeUndefined();
    expect(
      judgeDamaged(run(), run({ ended: 1, lines: [DAMAGED], exported: REFUSED })),
    ).toBeUndefined();
    const refused = answering(COMMENTS, 503, '{"code":"unavailable"}');
    expect(judgeDamaged(run(), run({ responses: refused, exported: REFUSED }))).toBeUndefined();
    const earlier = answering(VIDEO, 200, '{"likes":{"like":5}}');
    const lines = ["/data/videos.sqlite lost its last changes: its write-ahead log is damaged"];
    expect(judgeDamaged(run(), run({ responses: earlier, lines }))).toBeUndefined();
  });

  const lies: Readonly<Record<string, readonly [Partial<ServerRun>, string]>> = {
    "another comment": [
      { responses: answering(COMMENTS, 200, '{"comments":[{"seq":1,"text":"hallo"}]}') },
      "comments?after=0",
    ],
    "fewer comments": [{ responses: answering(COMMENTS, 200, '{"comments":[]}') }, "answered 200"],
    "another number of likes": [
      { responses: answering(VIDEO, 200, '{"likes":{"like":1031}}') },
      "answered 200",
    ],
    "a video that is not there": [{ responses: answering(VIDEO, 404, "{}") }, "answered 404"],
    "fewer comments, when a store lost its last changes": [
      {
        responses: answering(COMMENTS, 200, '{"comments":[]}'),
        lines: ["videos.sqlite lost its last changes"],
      },
      "answered 200",
    ],
    "other events in the export": [
      { exported: { code: 0, output: EVENTS.replace("2", "3"), errors: "" } },
      "line 2",
    ],
    "fewer events in the export": [
      { exported: { code: 0, output: EVENTS.slice(0, 30), errors: "" } },
      "other events",
    ],
    "an export that fails without a name": [
      { exported: { code: 1, output: "", errors: "ovation: something failed" } },
      "does not name",
    ],
    "an exception": [{ ended: 70, lines: ["uncaught exception: log.sqlite"] }, "by an exception"],
    "an end without a name": [{ ended: 1, lines: ["cannot start"] }, "does not name"],
    "an end with 0": [{ ended: 0, lines: [DAMAGED] }, "ended with 0"],
    "a signal": [{ ended: "SIGSEGV", lines: [DAMAGED] }, "SIGSEGV"],
  };
  test.each(Object.entries(lies))("is a lie: %s", (_, [change, found]) => {
    expect(judgeDamaged(run(), run(change))).toContain(found);
  });

  test("after the power went, the server starts and has every event", () => {
    const earlier = answering(VIDEO, 200, '{"likes":{"like":5}}');
    expect(judgeUnsynced(run(), run({ responses: earlier }))).toBeUndefined();
    expect(judgeUnsynced(run(), run({ ended: 1, lines: [DAMAGED] }))).toContain("ended with 1");
    expect(judgeUnsynced(run(), run({ exported: REFUSED }))).toContain("export fails");
    const refused = answering(COMMENTS, 503, "{}");
    expect(judgeUnsynced(run(), run({ responses: refused }))).toContain("answered 503");
    const fewer = { code: 0, output: EVENTS.slice(0, 30), errors: "" };
    expect(judgeUnsynced(run(), run({ exported: fewer }))).toContain("other events");
  });
});

describe("damages", () => {
  let directory: string;
  let crashed: string;
  let copies = 0;
  const EVENTS_STORED = 50;
  const topic = topicOf("video", "one");
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "ovation-disk-judge-"));
    const running = join(directory, "running");
    crashed = join(directory, "crashed");
    const log = await openSqliteLog({ path: join(running, "log.sqlite") });
    for (let n = 0; n < EVENTS_STORED; n++)
      await log.append([{ topic, type: "goal", at: n, data: toJsonText({ n }) }]);
    const videos = new Database(join(running, "videos.sqlite"));
    videos.run("PRAGMA journal_mode = WAL");
    videos.run("CREATE TABLE t (n)");
    copyData(running, crashed);
    videos.close();
    await log.close();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function copy(): string {
    const path = join(directory, `copy ${++copies}`);
    copyData(crashed, path);
    return path;
  }

  test("a torn tail costs nothing that was acknowledged, whatever arrived of it", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const path = join(copy(), "log.sqlite");
      expect(tearTail(path, new Random(seed))).toContain("log.sqlite-wal");
      const log = await openSqliteLog({ path });
      expect((await log.read(topic, { after: 0, limit: 1_000 })).events).toHaveLength(
        EVENTS_STORED,
      );
      await log.close();
    }
  });

  test("a flip changes one bit of one file, the same for the same seed", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const [one, other] = [copy(), copy()];
      const [said, again] = [one, other].map((path) => flipBit(path, new Random(seed)));
      expect(again?.replace(other, "")).toBe(said?.replace(one, ""));
      const name = said?.split("/").at(-1) ?? "";
      const [before, after] = [crashed, one].map((path) => readFileSync(join(path, name)));
      const different = before?.reduce((sum, byte, at) => sum + (byte === after?.[at] ? 0 : 1), 0);
      expect(different).toBe(1);
    }
  });

  test("a cut leaves something, and only the stores lose what was not synced", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const path = copy();
      const name = /([a-z]+\.sqlite(-wal)?) cut/.exec(cutShort(path, new Random(seed)) ?? "")?.[1];
      const { size } = statSync(join(path, name ?? ""));
      expect(size).toBeGreaterThan(0);
      expect(size).toBeLessThan(statSync(join(crashed, name ?? "")).size);
      expect(loseUnsynced(copy(), new Random(seed))).toContain("videos.sqlite-wal has");
    }
  });
});
