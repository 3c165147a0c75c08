import { expect, test } from "bun:test";
import {
  EVENT_DATA_BYTES_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  TOPIC_ID_CHARACTERS_MAX,
  TOPIC_KIND_CHARACTERS_MAX,
} from "../limits.ts";
import { topicOf } from "../topic.ts";
import {
  countDurable,
  EVENT_BYTES_MAX,
  type Event,
  isDurable,
  isEventType,
  problemOfType,
  RESERVED_TYPES,
  sizeOf,
  toJsonText,
  utf8Bytes,
} from "./event.ts";

const live: Event = { topic: topicOf("video", "1"), type: "goal", at: 1, data: toJsonText(1) };
const durable: Event = { ...live, place: { seq: 1, epoch: "e", stamp: 1 } };

test("an event with a place is durable", () => {
  expect([isDurable(live), isDurable(durable)]).toEqual([false, true]);
  expect(countDurable([live, durable, live, durable])).toBe(2);
});

test("JSON text has no line breaks, and what is not JSON is refused", () => {
  expect(toJsonText("a\r\nb") as string).toBe('"a\\r\\nb"');
  expect(() => toJsonText(undefined)).toThrow("not JSON");
});

test("bytes are exact near the bound, and an upper bound far below it", () => {
  expect([utf8Bytes("aé€😀"), utf8Bytes("")]).toEqual([10, 0]);
  expect(utf8Bytes("abc", 9)).toBe(9);
  expect(utf8Bytes("abc", 8)).toBe(3);
});

test("EVENT_BYTES_MAX: the largest event that is accepted has that size", () => {
  const largest: Event = {
    topic: topicOf("k".repeat(TOPIC_KIND_CHARACTERS_MAX), "i".repeat(TOPIC_ID_CHARACTERS_MAX)),
    type: "t".repeat(EVENT_TYPE_CHARACTERS_MAX),
    at: 1,
    data: toJsonText("x".repeat(EVENT_DATA_BYTES_MAX - 2)),
  };
  expect(sizeOf(largest)).toBe(EVENT_BYTES_MAX);
});

test("a type is refused with a reason exactly where a publisher must not use it", () => {
  const good = ["goal", "a", "a.b_c-1", "t".repeat(EVENT_TYPE_CHARACTERS_MAX)];
  const bad = ["", "Goal", "1a", "a b", "a\n", "a\r", "a\0", `${good[3]}t`, ...RESERVED_TYPES];
  expect(good.filter((type) => !isEventType(type) || problemOfType(type) !== undefined)).toEqual(
    [],
  );
  expect(bad.filter((type) => isEventType(type) || problemOfType(type) === undefined)).toEqual([]);
});
