/** Which reads of the log the reports of frontends cost, and what they are answered. */

import { expect, test } from "bun:test";
import { Frontend, OPEN_ADMISSION, type Upstream } from "@ovation/frontend";
import { type Changes, type Log, LogUnavailableError, MemoryLog } from "@ovation/log";
import {
  DEFAULT_POLICY,
  type Epoch,
  type FrontendId,
  type Stamp,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { MemorySubscriptionTable, MemoryViewerCounts } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Dispatcher } from "../dispatcher.ts";
import { CHANGED_TOPICS_PER_REPORT_MAX } from "../limits.ts";
import { LocalLinks } from "../links/links-local.ts";
import {
  HEAD_PAGES_PER_READ_MAX,
  HEADS_AGE_MS,
  RECENT_HEADS_IDLE_MS,
  RECENT_HEADS_MAX,
} from "./limits.ts";
import { RecentHeads } from "./recent-heads.ts";

const member = (index: number) => topicOf("member", `m${index}`);

function world() {
  const clock = createManualClock();
  const log = new MemoryLog({ clock, policy: DEFAULT_POLICY, epoch: "e1" });
  const asked: Stamp[] = [];
  const counted = {
    changes(since: Stamp, limit: number) {
      asked.push(since);
      return log.changes(since, limit);
    },
  };
  /** One event of each topic, 100 in a commit. */
  async function append(topics: readonly Topic[]): Promise<void> {
    for (let start = 0; start < topics.length; start += 100)
      await log.append(
        topics
          .slice(start, start + 100)
          .map((topic) => ({ topic, type: "message", at: 1, data: toJsonText({}) })),
      );
  }
  return { clock, log, asked, counted, append, heads: new RecentHeads(counted, clock) };
}

function dispatcherOn({ clock, log, counted }: ReturnType<typeof world>): Dispatcher {
  return new Dispatcher({
    table: new MemorySubscriptionTable(clock),
    counts: new MemoryViewerCounts(clock),
    log: { heads: (topics) => log.heads(topics), ...counted } as Partial<Log> as Log,
    links: new LocalLinks({ inboxOf: () => undefined }),
    calls: {} as never,
    policy: DEFAULT_POLICY,
    clock,
    onFailure: () => undefined,
  });
}

test("ten thousand changed topics a second: a report brings the present", async () => {
  const its = world();
  const { clock, log, append } = its;
  const dispatcher = dispatcherOn(its);
  const address = { id: "frontend1" as FrontendId, url: "" };
  const frontend = new Frontend({
    id: address.id,
    upstream: {
      renew: (ttlMs) => dispatcher.renew(address, ttlMs),
      change: (changes) => dispatcher.change(address, changes),
      report: (viewers, since) => dispatcher.report(address, viewers, since),
    } as Partial<Upstream> as Upstream,
    policy: DEFAULT_POLICY,
    authorize: () => true,
    clock,
    random: () => 0,
    heartbeatMs: 15_000,
    admission: OPEN_ADMISSION,
    onFailure() {},
  });
  await append([member(0)]);
  frontend.start();
  await clock.advance(1000);
  for (let second = 0; second < 8; second++) {
    await append(Array.from({ length: 10_000 }, (_, index) => member(second * 10_000 + index)));
    const { stamp } = await log.changes(-1, 1);
    await clock.advance(1000);
    expect(frontend.hub.watermark.stamp).toBe(stamp);
  }
  void frontend.stop();
});

test("a thousand frontends cost four reads of the log a second", async () => {
  const its = world();
  const { clock, asked, append } = its;
  const dispatcher = dispatcherOn(its);
  const frontends = Array.from({ length: 1000 }, (_, index) => ({
    address: { id: `frontend${index}` as FrontendId, url: "" },
    since: -1,
    heads: 0,
  }));
  await append([member(0)]);
  const report = async (frontend: (typeof frontends)[number]) => {
    const { stamp, heads } = await dispatcher.report(frontend.address, [], frontend.since);
    Object.assign(frontend, { since: stamp, heads: frontend.heads + heads.length });
  };
  await Promise.all(frontends.map(report));
  await clock.advance(HEADS_AGE_MS);
  asked.length = 0;
  for (let second = 0; second < 5; second++) {
    await append([member(second)]);
    for (let tenth = 0; tenth < 10; tenth++) {
      await Promise.all(frontends.slice(tenth * 100, tenth * 100 + 100).map(report));
      await clock.advance(100);
    }
  }
  expect(asked.length).toBeLessThanOrEqual(5 * (1000 / HEADS_AGE_MS));
  await clock.advance(HEADS_AGE_MS);
  await Promise.all(frontends.map(report));
  for (const { heads } of frontends) expect(heads).toBe(5);
});

test("CHANGED_TOPICS_PER_REPORT_MAX: more are in further answers", async () => {
  const { clock, heads, append } = world();
  await append([member(0)]);
  let { stamp: since } = await heads.changes({ since: -1 });
  const topics = Array.from({ length: 3 * CHANGED_TOPICS_PER_REPORT_MAX }, (_, i) => member(i));
  await append(topics);
  await clock.advance(HEADS_AGE_MS);
  const found = new Set<Topic>();
  for (let more = true, answers = 1; more; answers++) {
    expect(answers).toBeLessThanOrEqual(4);
    const answer = await heads.changes({ since });
    expect(answer.heads.length).toBeLessThanOrEqual(CHANGED_TOPICS_PER_REPORT_MAX + 100);
    for (const { topic } of answer.heads) found.add(topic);
    ({ stamp: since, more } = answer);
  }
  expect(found).toEqual(new Set(topics));
});

test("a frontend is answered the heads of its own topics", async () => {
  const { clock, heads, append } = world();
  await append([member(0)]);
  const { stamp: since } = await heads.changes({ since: -1 });
  await append([member(1), member(2), member(3)]);
  await clock.advance(HEADS_AGE_MS);
  const has = (topic: Topic) => topic === member(2);
  const answer = await heads.changes({ since, has });
  expect(answer.heads.map(({ topic }) => topic)).toEqual([member(2)]);
  // Before what is in memory, from the log.
  const older = await heads.changes({ since: 0, has });
  expect(older).toEqual({ ...answer, more: false });
});

test("HEAD_PAGES_PER_READ_MAX: the next report reads the rest, at once", async () => {
  let pages = HEAD_PAGES_PER_READ_MAX + 2;
  const asked: Stamp[] = [];
  const log = {
    async changes(since: Stamp): Promise<Changes> {
      asked.push(since);
      if (since < 0) return { heads: [], stamp: 1, epoch: "e", more: false };
      return { heads: [], stamp: since + 1, epoch: "e", more: --pages > 0 };
    },
  };
  const clock = createManualClock();
  const heads = new RecentHeads(log, clock);
  await heads.changes({ since: -1 });
  await clock.advance(HEADS_AGE_MS);
  const answer = await heads.changes({ since: 1 });
  expect(answer).toMatchObject({ stamp: 1 + HEAD_PAGES_PER_READ_MAX, more: true });
  expect(await heads.changes({ since: answer.stamp })).toMatchObject({
    stamp: 3 + HEAD_PAGES_PER_READ_MAX,
    more: false,
  });
});

test("RECENT_HEADS_MAX: a frontend that is further behind is answered from the log", async () => {
  const { clock, heads, append, asked } = world();
  await append([member(0)]);
  const { stamp: begun } = await heads.changes({ since: -1 });
  const topics = Array.from({ length: RECENT_HEADS_MAX + 5000 }, (_, index) => member(index));
  for (let start = 0; start < topics.length; start += 20_000) {
    await append(topics.slice(start, start + 20_000));
    await clock.advance(HEADS_AGE_MS);
    await heads.changes({ since: begun });
  }
  expect(heads.size).toBeLessThanOrEqual(RECENT_HEADS_MAX);
  asked.length = 0;
  const answer = await heads.changes({ since: begun });
  expect(asked).toEqual([begun]);
  expect(answer.heads).toHaveLength(CHANGED_TOPICS_PER_REPORT_MAX);
  expect(answer.more).toBe(true);
});

test("RECENT_HEADS_IDLE_MS: after it the heads begin at the present", async () => {
  const { clock, heads, append, asked } = world();
  await append([member(0)]);
  const { stamp } = await heads.changes({ since: -1 });
  await append([member(1)]);
  await clock.advance(RECENT_HEADS_IDLE_MS + 1);
  asked.length = 0;
  const answer = await heads.changes({ since: stamp });
  expect(answer.heads.map(({ topic }) => topic)).toEqual([member(1)]);
  expect(asked).toEqual([-1, stamp]);
});

/** A log that answers what the test gives it. */
function given(...answers: Partial<Changes>[]) {
  const clock = createManualClock();
  const asked: Stamp[] = [];
  const heads = new RecentHeads(
    {
      async changes(since) {
        asked.push(since);
        const {
          heads: found = [],
          stamp = 0,
          epoch = "e1" as Epoch,
          more = false,
        } = answers.shift() ?? {};
        return { heads: found, stamp, epoch, more };
      },
    },
    clock,
  );
  return { clock, heads, asked };
}
const head = (seq: number, epoch = "e1") => ({ topic: member(1), seq, epoch, first: 1 });

test("a frontend that is ahead of this dispatcher is answered by a new read", async () => {
  const { heads, asked } = given({ stamp: 10 }, { heads: [head(3)], stamp: 30 });
  await heads.changes({ since: -1 });
  expect(await heads.changes({ since: 20 })).toMatchObject({ heads: [head(3)], stamp: 30 });
  expect(asked).toEqual([-1, 10]);
});

test("a log that was restored is seen at the stamp from which the frontend asks", async () => {
  const restored = { stamp: 5, epoch: "e2" };
  const { heads, clock, asked } = given({ stamp: 10 }, restored, restored, restored);
  await heads.changes({ since: -1 });
  await clock.advance(HEADS_AGE_MS);
  expect(await heads.changes({ since: 10, epoch: "e1" })).toMatchObject({ ...restored, heads: [] });
  expect(asked.at(-1)).toBe(10);
});

test("heads of the lost future are answered to no frontend that has the new epoch", async () => {
  const { heads, clock } = given(
    { stamp: 10 },
    { heads: [head(7)], stamp: 20 },
    { heads: [head(4, "e2")], stamp: 30, epoch: "e2" },
  );
  await heads.changes({ since: -1 });
  await clock.advance(HEADS_AGE_MS);
  expect(await heads.changes({ since: 10 })).toMatchObject({ heads: [head(7)], stamp: 20 });
  // It has learned of the restore from another dispatcher, within HEADS_AGE_MS.
  const answer = await heads.changes({ since: 20, epoch: "e2" });
  expect(answer).toMatchObject({ heads: [head(4, "e2")], stamp: 30, epoch: "e2" });
});

test("the present is read when a frontend begins, and not remembered", async () => {
  const { heads, asked } = given({ stamp: 10 }, { stamp: 11 });
  expect((await heads.changes({ since: -1 })).stamp).toBe(10);
  expect((await heads.changes({ since: -1 })).stamp).toBe(11);
  expect(asked).toEqual([-1, 10]);
});

test("while an append is in flight, heads beyond the stamp are answered", async () => {
  const { heads, clock } = given(
    { stamp: 10 },
    { heads: [head(7)], stamp: 10 },
    { heads: [head(7)], stamp: 20 },
  );
  await heads.changes({ since: -1 });
  for (const stamp of [10, 20]) {
    await clock.advance(HEADS_AGE_MS);
    expect(await heads.changes({ since: 10 })).toMatchObject({ heads: [head(7)], stamp });
  }
});

test("a read that fails is reported, and the next report reads again", async () => {
  const clock = createManualClock();
  let isAway = true;
  const heads = new RecentHeads(
    {
      async changes() {
        if (isAway) throw new LogUnavailableError("away");
        return { heads: [], stamp: 10, epoch: "e1", more: false };
      },
    },
    clock,
  );
  const begins = await Promise.allSettled([1, 2].map(() => heads.changes({ since: -1 })));
  expect(begins.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  isAway = false;
  expect((await heads.changes({ since: -1 })).stamp).toBe(10);
});
