import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { BatchesInFlight } from "./batches-in-flight.ts";

const goal: Event = {
  topic: topicOf("video", "1"),
  type: "goal",
  at: 1,
  data: toJsonText("goal"),
};
const comment: Event = { ...goal, type: "comment", place: { seq: 1, epoch: "e", stamp: 1 } };
const gap: Event = { ...goal, type: "gap", data: toJsonText({ lost: 2 }) };

test("an acknowledgement covers every batch up to its count; gaps are not events", () => {
  const batches = new BatchesInFlight();
  batches.add([goal, comment]);
  batches.add([gap, goal]);
  batches.add([]);
  expect(batches.size).toBe(3);
  expect(batches.acknowledge(2)).toBe(true);
  expect(batches.size).toBe(1);
  expect([batches.acknowledged, batches.durable.acknowledged]).toEqual([3, 1]);
});

test("a count that was acknowledged before, or was never sent, is no acknowledgement", () => {
  const batches = new BatchesInFlight();
  batches.add([goal]);
  expect([0, 2].map((count) => batches.acknowledge(count))).toEqual([false, false]);
  expect(batches.acknowledge(1)).toBe(true);
  expect(batches.acknowledge(1)).toBe(false);
  expect(batches.acknowledged).toBe(1);
});

test("batches in flight are lost with their connection, and the next one counts from 0", () => {
  const batches = new BatchesInFlight();
  batches.add([goal]);
  batches.add([goal, comment]);
  batches.acknowledge(1);
  batches.lose();
  expect([batches.size, batches.lost, batches.durable.lost]).toEqual([0, 2, 1]);
  batches.add([goal]);
  expect(batches.acknowledge(1)).toBe(true);
  expect(batches.acknowledged).toBe(2);
});
