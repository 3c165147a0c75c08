/** Counts of comments after an import, a crash, retention, a restore. */

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  EXPORT_HEADER,
  importLog,
  MemoryLog,
  openLog,
  type Tally,
  type TallyQuery,
} from "@ovation/log";
import {
  DEFAULT_POLICY,
  type Policy,
  systemClock,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { startPostgres } from "../../testing/postgres.ts";
import { COUNT_LAG_EVENTS_MAX, COUNT_STEPS_MAX } from "../limits.ts";
import { startHarness } from "../testing/harness.ts";
import { openPostgresVideoStore, openSqliteVideoStore } from "../videos/video-store-sql.ts";
import { createCommentCounts } from "./comment-counts.ts";

setDefaultTimeout(120_000);

const KEPT = 10;
const POLICY: Policy = {
  ...DEFAULT_POLICY,
  video: { ...(DEFAULT_POLICY["video"] as Policy[string]), retention: { eventsMax: KEPT } },
};

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ovation-counts-"));
  directories.push(directory);
  return directory;
}

function* exportOf(id: string, comments: number): Generator<string> {
  yield EXPORT_HEADER.trimEnd();
  for (let seq = 1; seq <= comments; seq++) {
    yield JSON.stringify({
      topic: topicOf("video", id),
      seq,
      stamp: seq,
      type: "comment",
      at: seq,
      data: { text: "hello", author: { id: "a", name: "A", role: "member" } },
    });
  }
}

test("an imported video has all its comments in the first response and list", async () => {
  const directory = newDirectory();
  const seqs = 30_000;
  await importLog({ path: join(directory, "log.sqlite") }, exportOf("big", seqs));
  const harness = await startHarness({ directory });
  await harness.options.store.put("big", {}, 1);
  const list = await harness.call("GET", "/v1/videos");
  expect(list.body.videos[0]).toMatchObject({ id: "big", comments: seqs, head: seqs } as never);
  await harness.call("POST", "/v1/videos/big/comments", "ada", { text: "one more" });
  const one = await harness.call("GET", "/v1/videos/big");
  expect(one.body).toMatchObject({ comments: seqs + 1 } as never);
  await harness.close();
});

const FORMS = [
  [
    "SQLite",
    async () => {
      const directory = newDirectory();
      return {
        log: await openLog({ path: join(directory, "log.sqlite"), policy: POLICY }),
        store: openSqliteVideoStore({ path: join(directory, "videos.sqlite") }),
        stop: async () => undefined,
      };
    },
  ],
  [
    "PostgreSQL",
    async () => {
      const postgres = await startPostgres();
      return {
        log: await openLog({ url: postgres.url, policy: POLICY }),
        store: await openPostgresVideoStore({ url: postgres.url }),
        stop: () => postgres.stop(),
      };
    },
  ],
] as const;

for (const [name, open] of FORMS) {
  test(`${name}: comments past retention count, deleted ones do not`, async () => {
    const { log, store, stop } = await open();
    const counts = createCommentCounts({
      log,
      store,
      clock: systemClock,
      onFailure: (error) => {
        throw error;
      },
    });
    const topic = topicOf("video", "a");
    const append = (type: string, n: number) =>
      log.append(Array.from({ length: n }, () => ({ topic, type, at: 1, data: toJsonText({}) })));
    const counted = async () => {
      await counts.catchUp("a");
      return (await store.read(["a"]))[0]?.comments;
    };
    await append("comment", 40);
    await append("comment-removed", 3);
    while ((await log.trim(1_000)) > 0);
    expect(await counted()).toBe(37);
    // Counted in part, then dropped.
    await append("comment", 50);
    while ((await log.trim(1_000)) > 0);
    expect(await counted()).toBe(87);
    await append("comment", 2);
    expect(await counted()).toBe(89);
    // Events of other types pass without a write, until they are many.
    const before = (await store.read(["a"]))[0]?.counted ?? 0;
    await append("goal", 5);
    expect(await counted()).toBe(89);
    expect((await store.read(["a"]))[0]?.counted).toBe(before);
    await append("goal", COUNT_LAG_EVENTS_MAX);
    expect(await counted()).toBe(89);
    expect((await store.read(["a"]))[0]?.counted).toBe(before + 5 + COUNT_LAG_EVENTS_MAX);
    // A deleted video that is used again begins from nothing, also where the end was not counted.
    await append("comment", 3);
    const [head] = await log.heads([topic]);
    await store.delete("a", 2);
    await log.clear(topic, (head?.seq ?? 0) + 1);
    expect(await counted()).toBe(0);
    await store.put("a", {}, 3);
    await append("comment", 1);
    expect(await counted()).toBe(1);
    // Topics without a comment make no video.
    await log.append([{ topic: topicOf("video", "b"), type: "goal", at: 1, data: toJsonText({}) }]);
    await counts.catchUp("b");
    expect((await store.read(["b"]))[0]).toBeUndefined();
    await counts.close();
    await log.close();
    await store.close();
    await stop();
  });
}

test("a log restored to a time before the last count is counted again", async () => {
  const directory = newDirectory();
  const harness = await startHarness({ directory });
  await harness.call("POST", "/v1/videos/a/comments", "ada", { text: "one" });
  await harness.options.store.count("a", { after: 0, upTo: 500, comments: 400 }, 1);
  const video = await harness.call("GET", "/v1/videos/a");
  expect(video.body).toMatchObject({ comments: 1 } as never);
  await harness.close();
});

class EndlessLog extends MemoryLog {
  override async tally(_topic: Topic, { after }: TallyQuery): Promise<Tally> {
    const upTo = after + 1;
    return { counts: [1, 0], upTo, more: upTo < 2 * COUNT_STEPS_MAX, isWhole: after === 0 };
  }
}

test("COUNT_STEPS_MAX: a response waits for no more; the background counts the rest", async () => {
  const store = openSqliteVideoStore({ path: ":memory:" });
  await store.put("endless", {}, 1);
  const counts = createCommentCounts({
    store,
    clock: systemClock,
    onFailure: () => undefined,
    log: new EndlessLog(),
  });
  await counts.catchUp("endless");
  expect((await store.read(["endless"]))[0]?.comments).toBe(COUNT_STEPS_MAX);
  expect(counts.waiting).toBe(1);
  await counts.flush();
  expect((await store.read(["endless"]))[0]?.comments).toBe(2 * COUNT_STEPS_MAX);
  await counts.close();
  await store.close();
});
