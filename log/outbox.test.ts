import { describe, expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { settle } from "../testing/manual-clock.ts";
import { OUTBOX_BATCH_MAX, OUTBOX_EVENTS_MAX } from "./limits.ts";
import { inSeqOrder, Outbox } from "./outbox.ts";

const event = (topic: string, seq?: number): Event => ({
  topic: topicOf("video", topic),
  type: "comment",
  at: 1,
  data: toJsonText({}),
  ...(seq === undefined ? {} : { place: { seq, epoch: "e", stamp: seq } }),
});
const seqs = (events: readonly Event[]) => events.map(({ place }) => place?.seq);

describe("outbox", () => {
  test("one publish at a time: what is committed meanwhile is in the next one", async () => {
    const calls: (number | undefined)[][] = [];
    const gates: (() => void)[] = [];
    const outbox = new Outbox({
      publish(events) {
        calls.push(seqs(events));
        return new Promise((resolve) => gates.push(resolve));
      },
      onDropped: () => undefined,
    });
    outbox.push(event("a", 1));
    outbox.push(event("a", 2));
    await settle();
    outbox.push(event("a", 3));
    outbox.push(event("a", 4));
    await settle();
    expect(calls).toEqual([[1, 2]]);
    expect(outbox.waiting).toBe(4);
    gates.shift()?.();
    await settle();
    expect(calls).toEqual([
      [1, 2],
      [3, 4],
    ]);
    gates.shift()?.();
    await outbox.idle();
    expect(outbox.waiting).toBe(0);
  });

  test("what cannot be published is counted, and what follows is published", async () => {
    const dropped: string[] = [];
    const published: Event[] = [];
    const outbox = new Outbox({
      async publish(events) {
        if (events.some(({ place }) => place?.seq === 1)) throw new Error("no dispatcher");
        published.push(...events);
      },
      onDropped: (count, reason) => dropped.push(`${reason} ${count}`),
      eventsMax: 3,
    });
    outbox.push(event("a", 1));
    await outbox.idle();
    for (let seq = 2; seq <= 6; seq++) outbox.push(event("a", seq));
    await outbox.idle();
    expect(seqs(published)).toEqual([2, 3, 4]);
    expect(dropped).toEqual(["failed 1", "full 1", "full 1"]);
  });

  test("OUTBOX_EVENTS_MAX wait, more are dropped; OUTBOX_BATCH_MAX go in one call", async () => {
    const batches: number[] = [];
    const dropped: string[] = [];
    let newest = 0;
    const outbox = new Outbox({
      async publish(events) {
        batches.push(events.length);
        newest = events.at(-1)?.place?.seq ?? 0;
      },
      onDropped: (count, reason) => dropped.push(`${reason} ${count}`),
    });
    for (let seq = 1; seq <= OUTBOX_EVENTS_MAX; seq++) outbox.push(event("a", seq));
    expect([outbox.waiting, dropped]).toEqual([OUTBOX_EVENTS_MAX, []]);
    outbox.push(event("a", OUTBOX_EVENTS_MAX + 1));
    expect([outbox.waiting, dropped]).toEqual([OUTBOX_EVENTS_MAX, ["full 1"]]);
    await outbox.idle();
    expect(new Set(batches)).toEqual(new Set([OUTBOX_BATCH_MAX]));
    expect(newest).toBe(OUTBOX_EVENTS_MAX);
    for (let seq = 1; seq <= OUTBOX_BATCH_MAX + 1; seq++) outbox.push(event("b", seq));
    await outbox.idle();
    expect(batches.slice(-2)).toEqual([OUTBOX_BATCH_MAX, 1]);
  });

  test("each topic's numbers ascend, and live events stay", () => {
    expect(seqs(inSeqOrder([event("a", 2), event("b", 1), event("a", 1), event("a")]))).toEqual([
      1,
      2,
      1,
      undefined,
    ]);
    const ordered = [event("a", 1), event("b", 9), event("a", 2)];
    expect(inSeqOrder(ordered)).toBe(ordered);
  });
});
