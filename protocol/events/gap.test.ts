import { expect, test } from "bun:test";
import { EVENT_DATA_BYTES_MAX } from "../limits.ts";
import { topicOf } from "../topic.ts";
import { type Event, type JsonText, toJsonText } from "./event.ts";
import { addGaps, announceLoss, countGaps, fitToFrame, formatGap, parseGap } from "./gap.ts";

const topic = topicOf("video", "1");
const other = topicOf("video", "2");
const goal = (at: number, data = "goal"): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText(data),
});
const gap = { lost: 3, from: 5, to: 9, reason: "slow" } as const;

test("a gap is parsed as it was formatted", () => {
  const event = formatGap(topic, gap);
  expect(event).toMatchObject({ topic, type: "gap", at: 9 });
  expect(parseGap(event.data)).toEqual(gap);
});

test("data of another form is no gap", () => {
  const wrong = [null, 1, {}, { ...gap, lost: -1 }, { ...gap, to: 1.5 }, { ...gap, reason: "x" }];
  expect(wrong.map((data) => parseGap(JSON.stringify(data) as JsonText))).toEqual(
    wrong.map(() => undefined),
  );
});

test("dropped events are announced once per topic; a dropped gap counts what it announced", () => {
  const dropped = [goal(4), formatGap(topic, gap), { ...goal(7), topic: other }];
  expect(announceLoss(dropped, "away").map(({ topic: of, data }) => [of, parseGap(data)])).toEqual([
    [topic, { lost: 4, from: 4, to: 9, reason: "slow" }],
    [other, { lost: 1, from: 7, to: 7, reason: "away" }],
  ]);
});

test("two gaps add up to the whole range, with the later reason", () => {
  expect(addGaps(undefined, gap)).toEqual(gap);
  expect(addGaps(gap, { lost: 2, from: 1, to: 6, reason: "busy" })).toEqual({
    lost: 5,
    from: 1,
    to: 9,
    reason: "busy",
  });
});

test("only live gaps at the start of a batch are counted", () => {
  const event = formatGap(topic, gap);
  const durable = { ...event, place: { seq: 1, epoch: "e", stamp: 1 } };
  const batches = [[], [goal(1), event], [event, event, goal(1), event], [durable]];
  expect(batches.map(countGaps)).toEqual([0, 0, 2, 0]);
});

test("EVENT_DATA_BYTES_MAX: an event beyond it is a gap in its place", () => {
  const fits = goal(1, "x".repeat(EVENT_DATA_BYTES_MAX - 2));
  expect(fitToFrame(fits)).toBe(fits);
  const large = goal(1, "x".repeat(EVENT_DATA_BYTES_MAX - 1));
  expect(parseGap(fitToFrame(large).data)).toMatchObject({ lost: 1, reason: "large" });
  const place = { seq: 4, epoch: "e", stamp: 1 };
  expect(fitToFrame({ ...large, place }).place).toEqual(place);
});
