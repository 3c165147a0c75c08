import { expect, test } from "bun:test";
import { type DurableEvent, toJsonText, topicOf } from "@ovation/protocol";
import { HISTORY_EVENTS_MAX } from "../limits.ts";
import { History } from "./history.ts";

test("HISTORY_EVENTS_MAX events are kept, a quarter more at most; others are reported gone", () => {
  const history = new History({ seq: 0, epoch: "" }, 0);
  const push = (seq: number) => {
    const event: DurableEvent = {
      topic: topicOf("video", "1"),
      type: "comment",
      at: 1,
      data: toJsonText(seq),
      place: { seq, epoch: "e", stamp: seq },
    };
    history.push(event, seq);
  };
  const most = HISTORY_EVENTS_MAX * 1.25;
  for (let seq = 1; seq <= most; seq++) push(seq);
  expect([history.floorSeq, history.after(0, most)?.length]).toEqual([0, most]);
  push(most + 1);
  const floor = most + 1 - HISTORY_EVENTS_MAX;
  expect(history.floorSeq).toBe(floor);
  expect(history.after(floor - 1, most + 1)).toBeUndefined();
  expect(history.after(floor, most + 1)?.map(({ place }) => place.seq)).toEqual(
    Array.from({ length: HISTORY_EVENTS_MAX }, (_, index) => floor + 1 + index),
  );
  expect(history.positionAt(floor - 1)).toBeUndefined();
  expect(history.positionAt(floor)).toEqual({ seq: floor, epoch: "e" });
  expect([history.matches({ seq: floor - 1, epoch: "e" }), history.lastOrder]).toEqual([
    undefined,
    most + 1,
  ]);
});
