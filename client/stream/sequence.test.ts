import { expect, test } from "bun:test";
import { EPOCHS_MAX, HELD_EVENTS_MAX } from "../limits.ts";
import { Sequence } from "./sequence.ts";

function started(head = 10) {
  const sequence = new Sequence<number>();
  sequence.start(head, "e1");
  return sequence;
}

test("the next number passes, a repeat does not", () => {
  const sequence = started();
  expect(sequence.accept(11, "e1", 11)).toEqual([11]);
  expect(sequence.accept(11, "e1", 11)).toEqual([]);
  expect(sequence.accept(3, "e1", 3)).toEqual([]);
  expect(sequence.behind).toBe(false);
  expect(sequence.position).toEqual({ seq: 11, epoch: "e1" });
});

test("events behind a missing one wait for it and come in order", () => {
  const sequence = started();
  expect(sequence.accept(13, "e1", 13)).toEqual([]);
  expect(sequence.accept(12, "e1", 12)).toEqual([]);
  expect(sequence.behind).toBe(true);
  expect(sequence.accept(11, "e1", 11)).toEqual([11, 12, 13]);
  expect(sequence.behind).toBe(false);
});

test("events that overtake the subscription's response wait for its head", () => {
  const sequence = new Sequence<number>();
  expect(sequence.accept(12, "e1", 12)).toEqual([]);
  expect(sequence.accept(11, "e1", 11)).toEqual([]);
  expect(sequence.start(11, "e1")).toEqual([12]);
  expect(sequence.seq).toBe(12);
});

test("an announced head that is ahead shows that something is missing", () => {
  const sequence = started();
  sequence.announce(9);
  expect(sequence.behind).toBe(false);
  sequence.announce(11);
  expect(sequence.behind).toBe(true);
});

test("the held are bounded; what did not fit counts as missing", () => {
  const sequence = started(0);
  for (let seq = 2; seq <= HELD_EVENTS_MAX + 50; seq++) sequence.accept(seq, "e1", seq);
  expect(sequence.accept(1, "e1", 1)).toHaveLength(HELD_EVENTS_MAX + 1);
  expect(sequence.seq).toBe(HELD_EVENTS_MAX + 1);
  expect(sequence.behind).toBe(true);
});

test("the missing one passes though the held are full", () => {
  const sequence = started(0);
  for (let seq = 2; seq <= HELD_EVENTS_MAX + 1; seq++) sequence.accept(seq, "e1", seq);
  expect(sequence.accept(1, "e1", 1)).toHaveLength(HELD_EVENTS_MAX + 1);
});

test("a head without its log epoch is no position that a server could check", () => {
  const sequence = new Sequence<number>();
  sequence.start(12, "");
  expect(sequence.position).toBeUndefined();
  sequence.accept(13, "e2", 13);
  expect(sequence.position).toEqual({ seq: 13, epoch: "e2" });
  const empty = new Sequence<number>();
  empty.start(0, "");
  expect(empty.position).toEqual({ seq: 0, epoch: "" });
});

test("a past number of another log epoch is a reason to ask the server", () => {
  const sequence = started();
  sequence.accept(5, "e1", 5);
  expect(sequence.behind).toBe(false);
  sequence.accept(6, "e2", 6);
  expect(sequence.behind).toBe(true);
  sequence.start(6, "e2");
  expect(sequence.behind).toBe(false);
  expect(sequence.accept(7, "e2", 7)).toEqual([7]);
});

test("EPOCHS_MAX: one more epoch evicts the oldest, whose past numbers are a question then", () => {
  const sequence = started(0);
  for (let count = 2; count <= EPOCHS_MAX; count++) sequence.accept(count - 1, `e${count}`, count);
  sequence.accept(1, "e1", 1);
  expect(sequence.behind).toBe(false);
  sequence.accept(EPOCHS_MAX, `e${EPOCHS_MAX + 1}`, EPOCHS_MAX);
  sequence.accept(2, "e2", 2);
  expect(sequence.behind).toBe(false);
  sequence.accept(1, "e1", 1);
  expect(sequence.behind).toBe(true);
});
