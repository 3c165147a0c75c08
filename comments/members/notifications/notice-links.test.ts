/** Notifications of earlier versions, which no link leads to, lose the text of removed comments. */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import {
  NOTICE_LINK_READS_PER_STEP,
  NOTICE_LINK_TOPICS,
  NOTICE_SEARCH_PAGE,
} from "../../limits.ts";
import { createRateLimiterOff } from "../../rates/rate-limiter-off.ts";
import { type Harness, membersOf, startHarness } from "../../testing/harness.ts";

let harness: Harness;
const opened: Harness[] = [];
beforeEach(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
  opened.push(harness);
});
afterAll(() => Promise.all(opened.map((each) => each.close())));

const NAME = "links of comments to notifications of earlier versions";
const author = { id: "ben", name: "BEN", role: "member" };

function stepOf(all: Harness): () => Promise<{ readonly more: boolean }> {
  const task = all.comments.upkeep.find(({ name }) => name === NAME);
  if (task === undefined) throw new Error("the upkeep has no such task");
  return () => task.run();
}

/** All steps; answers how many there were. */
async function runPass(all = harness): Promise<number> {
  const step = stepOf(all);
  for (let steps = 1; ; steps++) if (!(await step()).more) return steps;
}

/** As an earlier version stored it; answers the comment's number. */
async function storeComment(video: string, text: string): Promise<number> {
  const [one] = await harness.options.log.append([
    { topic: topicOf("video", video), type: "comment", at: 5, data: toJsonText({ text, author }) },
  ]);
  return one?.place.seq ?? 0;
}

async function storeQuotes(video: string, seq: number, text: string, members: readonly string[]) {
  const data = toJsonText({ kind: "reply", video, seq, from: { id: "ben", name: "BEN" }, text });
  for (const member of members)
    await harness.options.log.append([
      { topic: topicOf("member", member), type: "notification", at: 5, data },
    ]);
}

/** A removal by an earlier version: the log has it, the notifications still quote the text. */
async function removeInLog(video: string, seq: number): Promise<void> {
  const replaced = toJsonText({ text: "", author, removed: true });
  await harness.options.log.append([
    {
      topic: topicOf("video", video),
      type: "comment-removed",
      at: 6,
      data: toJsonText({ seq }),
      replace: { seq, data: replaced },
    },
  ]);
}

async function stored(topic: Topic): Promise<string> {
  const { events } = await harness.options.log.read(topic, { limit: 500 });
  return events.map(({ type, data }) => `${type} ${data}`).join("\n");
}

describe("the pass over notifications without links", () => {
  test("takes the text of removed comments out of them, and tells devices", async () => {
    const gone = await storeComment("v", "a secret");
    const kept = await storeComment("v", "harmless");
    await storeQuotes("v", gone, "a secret", ["ana", "cy"]);
    await storeQuotes("v", kept, "harmless", ["ana"]);
    await removeInLog("v", gone);
    await runPass();
    for (const member of ["ana", "cy"]) {
      const text = await stored(topicOf("member", member));
      expect(text).not.toContain("a secret");
      expect(text).toContain('notification-removed {"seq":1}');
    }
    expect(await stored(topicOf("member", "ana"))).toContain("harmless");
    await harness.comments.flush();
    expect(harness.published.map(({ topic, type }) => `${topic} ${type}`).toSorted()).toEqual([
      "member:ana notification-removed",
      "member:cy notification-removed",
    ]);
  });

  test("links the others, so that a removal and the end of the video find them", async () => {
    const seqs = [await storeComment("v", "secret 1"), await storeComment("v", "secret 2")];
    for (const seq of seqs) await storeQuotes("v", seq, `secret ${seq}`, ["ana"]);
    await runPass();
    expect(await membersOf(harness).notices.list("v", 10)).toHaveLength(2);
    await harness.call("DELETE", "/v1/videos/v/comments/1", "mo.moderator");
    expect(await stored(topicOf("member", "ana"))).not.toContain("secret 1");
    await harness.call("PUT", "/v1/videos/v", "h.host", {});
    expect((await harness.call("DELETE", "/v1/videos/v", "h.host")).status).toBe(200);
    await harness.comments.flush();
    expect(await stored(topicOf("member", "ana"))).not.toContain("secret");
  });

  test("reaches comments of a video that was deleted, and no comment past retention", async () => {
    const seq = await storeComment("v", "a secret");
    await storeQuotes("v", seq, "a secret", ["ana"]);
    await harness.call("PUT", "/v1/videos/v", "h.host", {});
    await harness.call("DELETE", "/v1/videos/v", "h.host");
    await storeQuotes("never-there", 7, "past retention", ["ana"]);
    await harness.comments.flush();
    expect(await stored(topicOf("member", "ana"))).toContain("a secret");
    await runPass();
    expect(await stored(topicOf("member", "ana"))).not.toContain("a secret");
    expect(await stored(topicOf("member", "ana"))).toContain("past retention");
  });

  test("skips notifications of other kinds, and what publishers sent", async () => {
    const topic = topicOf("member", "ana");
    const values = [
      { kind: "restored" },
      { kind: "reply" },
      { kind: "mention", video: "no id", seq: 1 },
      { kind: "mention", video: "v", seq: "1" },
      { kind: "mention", video: "v", seq: 0.5 },
      { kind: "reply", video: "v", seq: 1, text: "", removed: true },
    ];
    await harness.options.log.append(
      values.map((data) => ({ topic, type: "notification", at: 1, data: toJsonText(data) })),
    );
    await runPass();
    expect((await harness.options.log.read(topic, { limit: 100 })).events).toHaveLength(6);
    expect(await membersOf(harness).notices.list("v", 10)).toEqual([]);
  });

  test("NOTICE_LINK_TOPICS and NOTICE_SEARCH_PAGE at a time, all topics and pages", async () => {
    const seq = await storeComment("v", "a secret");
    const members = Array.from({ length: NOTICE_LINK_TOPICS + 5 }, (_, index) => `m${index}`);
    await storeQuotes("v", seq, "a secret", members);
    const filler = toJsonText({ kind: "restored" });
    const topic = topicOf("member", "m0");
    await harness.options.log.append(
      Array.from({ length: NOTICE_SEARCH_PAGE }, () => ({
        topic,
        type: "notification",
        at: 5,
        data: filler,
      })),
    );
    await storeQuotes("v", seq, "a secret", ["m0"]);
    await removeInLog("v", seq);
    const steps = await runPass();
    // Each topic is a read at least.
    expect(steps).toBeGreaterThan(members.length / NOTICE_LINK_READS_PER_STEP);
    for (const member of members)
      expect(await stored(topicOf("member", member))).not.toContain("a secret");
    const { events } = await harness.options.log.read(topic, { after: 0, limit: 1 });
    expect(events[0]?.data).not.toContain("a secret");
  });

  test("is done once per installation, and a step that failed is repeated", async () => {
    const seq = await storeComment("v", "a secret");
    await storeQuotes("v", seq, "a secret", ["ana"]);
    await removeInLog("v", seq);
    const { notices } = membersOf(harness);
    const { note } = notices;
    Object.assign(notices, { note: () => Promise.reject(new Error("away")) });
    await expect(stepOf(harness)()).rejects.toThrow("away");
    Object.assign(notices, { note });
    expect(await runPass()).toBe(1);
    expect(await stored(topicOf("member", "ana"))).not.toContain("a secret");
    expect((await notices.linkProgress()).isDone).toBe(true);

    const log = new Proxy(harness.options.log, {
      get: () => () => Promise.reject(new Error("the log is read again")),
    });
    const other = await startHarness({ overrides: { log } });
    opened.push(other);
    await membersOf(other).notices.setLinkProgress(await notices.linkProgress());
    expect(await stepOf(other)()).toEqual({ more: false });
  });

  test("starts again where a restored log has less than was passed", async () => {
    await membersOf(harness).notices.setLinkProgress({
      stamp: Number.MAX_SAFE_INTEGER,
      isDone: false,
    });
    const seq = await storeComment("v", "a secret");
    await storeQuotes("v", seq, "a secret", ["ana"]);
    await removeInLog("v", seq);
    await runPass();
    expect(await stored(topicOf("member", "ana"))).not.toContain("a secret");
  });
});
