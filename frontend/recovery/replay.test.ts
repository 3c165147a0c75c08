import { expect, test } from "bun:test";
import { type DurableEvent, markOf, toJsonText } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import type { Channel } from "../broadcast/channel.ts";
import { wireForm } from "../connections/wire-form.ts";
import type { Counters } from "../counters.ts";
import { LOG_PAGE_EVENTS, PAGES_CACHED_BYTES_MAX, PAGES_CACHED_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { LogReads } from "./log-reads.ts";
import { type PageRange, Replay } from "./replay.ts";

const video = topic("video:1");
const channel = {
  topic: video,
  mark: markOf(video),
  epoch: "epoch1",
  batched: { seq: 1_000_000, epoch: "epoch1" },
} as Channel;
const plain = wireForm({});

/** Takes pages of one event; says which of them are in memory. */
function pages(text: string) {
  const replay = new Replay({
    upstream: new ModelUpstream(),
    reads: new LogReads(),
    clock: createManualClock(),
    counters: {} as Counters,
  });
  const range = (page: number): PageRange => {
    const from = page * LOG_PAGE_EVENTS;
    return { channel, from, to: from + 1, prefix: "" };
  };
  return {
    make(page: number): number {
      const event: DurableEvent = {
        topic: video,
        type: "comment",
        at: 1,
        data: toJsonText(text),
        place: { seq: range(page).to, epoch: "epoch1", stamp: 1 },
      };
      return replay.take(range(page), plain, [event])?.bytes.length ?? 0;
    },
    isKept: (page: number) => replay.take(range(page), plain)?.isShared === true,
  };
}

test("PAGES_CACHED_MAX: one more page evicts the oldest", () => {
  const { make, isKept } = pages("x");
  for (let page = 0; page < PAGES_CACHED_MAX; page++) make(page);
  expect(isKept(0)).toBe(true);
  make(PAGES_CACHED_MAX);
  expect([isKept(0), isKept(1), isKept(PAGES_CACHED_MAX)]).toEqual([false, true, true]);
});

test("PAGES_CACHED_BYTES_MAX: pages of more bytes evict the oldest", () => {
  const { make, isKept } = pages("x".repeat(PAGES_CACHED_BYTES_MAX / 4 - 1000));
  let bytes = 0;
  for (let page = 0; page < 4; page++) bytes += make(page);
  expect(bytes).toBeLessThanOrEqual(PAGES_CACHED_BYTES_MAX);
  expect(isKept(0)).toBe(true);
  make(4);
  expect([isKept(0), isKept(1), isKept(4)]).toEqual([false, true, true]);
});
