import { expect, test } from "bun:test";
import { type DurableEvent, toJsonText, topicOf } from "@ovation/protocol";
import { HELD_BYTES_MAX, HELD_EVENTS_MAX } from "../limits.ts";
import { HeldEvents } from "./held-events.ts";

function event(seq: number, text = "x"): DurableEvent {
  const place = { seq, epoch: "epoch1", stamp: seq };
  return { topic: topicOf("video", "1"), type: "comment", at: 1, data: toJsonText(text), place };
}

test("an event is held by its number; a second one with the number replaces it", () => {
  const held = new HeldEvents();
  expect([held.add(event(3)), held.add(event(5)), held.add(event(5, "later"))]).toEqual([
    true,
    true,
    true,
  ]);
  expect([held.size, held.get(4), held.get(5)?.data]).toEqual([2, undefined, toJsonText("later")]);
});

test("events through a number are discarded, later ones are kept", () => {
  const held = new HeldEvents();
  for (const seq of [7, 3, 5]) held.add(event(seq));
  held.deleteThrough(5);
  expect([held.get(3), held.get(5), held.get(7)?.place.seq]).toEqual([undefined, undefined, 7]);
});

test("HELD_EVENTS_MAX: one more is dropped, and has room again after a discard", () => {
  const held = new HeldEvents();
  for (let seq = 1; seq <= HELD_EVENTS_MAX; seq++) expect(held.add(event(seq))).toBe(true);
  expect(held.add(event(HELD_EVENTS_MAX + 1))).toBe(false);
  held.delete(1);
  expect(held.add(event(HELD_EVENTS_MAX + 1))).toBe(true);
});

test("HELD_BYTES_MAX: an event beyond is dropped, and discarded bytes count no more", () => {
  const held = new HeldEvents();
  const large = "x".repeat(Math.floor(HELD_BYTES_MAX / 4));
  const taken = [1, 2, 3, 4, 5].map((seq) => held.add(event(seq, large)));
  expect(taken).toEqual([true, true, true, false, false]);
  held.deleteThrough(3);
  expect(held.add(event(4, large))).toBe(true);
});
