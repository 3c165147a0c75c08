/** Which calls share one read of the log. */

import { expect, test } from "bun:test";
import type { EventPage } from "@ovation/frontend";
import { type DurableEvent, toJsonText, topicOf } from "@ovation/protocol";
import { createManualClock, settle } from "../testing/manual-clock.ts";
import { SHARED_PAGE_MS, SHARED_PAGES_CHARACTERS_MAX, SHARED_PAGES_MAX } from "./limits.ts";
import { SharedPages } from "./shared-pages.ts";

const topic = topicOf("video", "1");
const query = { topic, after: 10, limit: 100 };

function pageTo(seq: number, characters = 1): EventPage {
  const event: DurableEvent = {
    topic,
    type: "comment",
    at: 1,
    data: toJsonText("x".repeat(characters)),
    place: { seq, epoch: "e", stamp: 1 },
  };
  return { events: [event], head: { topic, seq, epoch: "e", first: 1 } };
}

/** A log whose reads end when the test says so. */
function world() {
  const clock = createManualClock();
  const reads: PromiseWithResolvers<EventPage>[] = [];
  const pages = new SharedPages(clock, () => {
    const read = Promise.withResolvers<EventPage>();
    reads.push(read);
    return read.promise;
  });
  return { clock, pages, reads };
}

test("a thousand calls for the same page at once are one read", async () => {
  const { pages, reads } = world();
  const calls = Array.from({ length: 1000 }, () => pages.read(query, 11));
  reads[0]?.resolve(pageTo(11));
  await Promise.all(calls);
  expect(reads).toHaveLength(1);
});

test("SHARED_PAGE_MS: later calls use a page that is young and reaches far enough", async () => {
  const { clock, pages, reads } = world();
  const first = pages.read(query, 11);
  reads[0]?.resolve(pageTo(12));
  await first;
  expect((await pages.read(query, 12)).head.seq).toBe(12);
  expect(reads).toHaveLength(1);
  const further = pages.read(query, 13);
  await settle();
  reads[1]?.resolve(pageTo(13));
  expect((await further).head.seq).toBe(13);
  clock.advanceNow(SHARED_PAGE_MS);
  void pages.read(query, 12);
  await settle();
  expect(reads).toHaveLength(3);
});

test("a page in flight before a call that does not reach is not its answer", async () => {
  const { pages, reads } = world();
  const early = pages.read(query, 11);
  const late = [pages.read(query, 14), pages.read(query, 14)];
  reads[0]?.resolve(pageTo(11));
  expect((await early).head.seq).toBe(11);
  await settle();
  reads[1]?.resolve(pageTo(14));
  expect((await Promise.all(late)).map(({ head }) => head.seq)).toEqual([14, 14]);
  expect(reads).toHaveLength(2);
});

test("neither a known page nor one in flight is the answer if it does not reach", async () => {
  const { pages, reads } = world();
  const known = pages.read(query, 11);
  reads[0]?.resolve(pageTo(11));
  await known;
  const running = pages.read(query, 12);
  await settle();
  const late = pages.read(query, 14);
  reads[1]?.resolve(pageTo(12));
  await running;
  await settle();
  reads[2]?.resolve(pageTo(14));
  expect((await late).head.seq).toBe(14);
});

test("a number that the log does not have is looked for in the log each time", async () => {
  const { pages, reads } = world();
  const first = pages.read(query, 99);
  await settle();
  reads[0]?.resolve(pageTo(11));
  expect((await first).head.seq).toBe(11);
  void pages.read(query, 99);
  await settle();
  expect(reads).toHaveLength(2);
});

test("without a need the log is read at each call", async () => {
  const { pages, reads } = world();
  void pages.read(query);
  void pages.read(query);
  expect(reads).toHaveLength(2);
});

test("a read that fails fails the waiting calls, and the next call reads again", async () => {
  const { pages, reads } = world();
  const calls = Promise.allSettled([pages.read(query, 11), pages.read(query, 11)]);
  reads[0]?.reject(new Error("away"));
  expect((await calls).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const again = pages.read(query, 11);
  await settle();
  reads[1]?.resolve(pageTo(11));
  expect((await again).head.seq).toBe(11);
});

test("SHARED_PAGES_MAX, SHARED_PAGES_CHARACTERS_MAX: the oldest page is evicted", async () => {
  for (const { pages: count, characters } of [
    { pages: SHARED_PAGES_MAX + 1, characters: 1 },
    { pages: 5, characters: SHARED_PAGES_CHARACTERS_MAX / 4 },
  ]) {
    const clock = createManualClock();
    let reads = 0;
    const pages = new SharedPages(clock, async () => {
      reads++;
      return pageTo(1_000_000, characters);
    });
    for (let after = 0; after < count; after++) await pages.read({ ...query, after }, 1);
    await pages.read({ ...query, after: count - 1 }, 1);
    expect(reads).toBe(count);
    await pages.read({ ...query, after: 0 }, 1);
    expect(reads).toBe(count + 1);
  }
});
