/** Pages of history over a log in which most comments are removed. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createClient } from "@ovation/client";
import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import { removedData } from "../comment.ts";
import { HISTORY_EVENTS_MAX } from "../limits.ts";
import { createRateLimiterOff } from "../rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

const author = { id: "ana", name: "Ana", role: "member" } as const;

/** Writes `count` comments to the log; removed ones as the log keeps them. */
async function write(topic: Topic, count: number, removed = false): Promise<void> {
  const data = { text: "words", author };
  const entry = {
    topic,
    type: "comment",
    at: 1,
    data: toJsonText(removed ? removedData(data) : data),
  };
  for (let left = count; left > 0; left -= 1_000)
    await harness.options.log.append(Array.from({ length: Math.min(left, 1_000) }, () => entry));
}

async function page(video: string, query: string) {
  const { status, body } = await harness.call("GET", `/v1/videos/${video}/comments?${query}`);
  expect(status).toBe(200);
  return { seqs: body.comments.map(({ seq }) => seq), next: body.next, head: body.head };
}

const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + index);

describe("a page is full where the log has as many comments", () => {
  test("620 removed comments in a row hide neither the 60 before nor those after", async () => {
    const topic = topicOf("video", "spam");
    await write(topic, 60);
    await write(topic, 620, true);
    expect(await page("spam", "limit=50")).toEqual({
      seqs: numbers(11, 50),
      next: undefined,
      head: 680,
    });
    await write(topic, 5);
    expect((await page("spam", "after=60&limit=50")).seqs).toEqual(numbers(681, 5));
    expect((await page("spam", "after=55&limit=10")).seqs).toEqual([
      56,
      57,
      58,
      59,
      60,
      ...numbers(681, 5),
    ]);
    expect((await page("spam", "before=681&limit=3")).seqs).toEqual([58, 59, 60]);
  });
});

describe("past the bound of one read", () => {
  test("the page says where it stopped, and the next one starts there", async () => {
    const topic = topicOf("video", "flood");
    await write(topic, 3);
    await write(topic, HISTORY_EVENTS_MAX + 700, true);
    await write(topic, 2);
    const head = HISTORY_EVENTS_MAX + 705;
    const latest = await page("flood", "limit=4");
    expect(latest.seqs).toEqual([head - 1, head]);
    expect(latest.next).toBeGreaterThan(3);
    expect(await page("flood", `limit=2&before=${latest.next}`)).toEqual({
      seqs: [2, 3],
      next: undefined,
      head,
    });
    const first = await page("flood", "after=2&limit=4");
    expect(first.seqs).toEqual([3]);
    expect((await page("flood", `after=${first.next}&limit=3`)).seqs).toEqual([head - 1, head]);
  });

  test("the SDK follows it: one call answers the comments on both sides", async () => {
    const client = createClient({ url: harness.url });
    const head = HISTORY_EVENTS_MAX + 705;
    const latest = await client.video("flood").history({ limit: 4 });
    expect(latest.comments.map(({ seq }) => seq)).toEqual([2, 3, head - 1, head]);
    const after = await client.video("flood").history({ after: 0, limit: 4 });
    expect(after.comments.map(({ seq }) => seq)).toEqual([1, 2, 3, head - 1]);
    client.close();
  });
});
