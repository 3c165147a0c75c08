import { expect, test } from "bun:test";
import fc from "fast-check";
import { POSITION_CHARACTERS_MAX, TOPICS_PER_CONNECTION_MAX } from "../limits.ts";
import { type Topic, topicOf } from "../topic.ts";
import {
  formatPoint,
  formatPosition,
  formatTopicPosition,
  markOf,
  parsePosition,
  positionIn,
  REACH_MAX,
} from "./position.ts";

const topic = fc.stringMatching(/^[a-zA-Z0-9]{1,12}$/).map((id) => topicOf("video", id));
const place = fc.oneof(
  fc.constant({ seq: 0, epoch: "" }),
  fc.record({
    seq: fc.integer({ min: 1, max: 2 ** 50 }),
    epoch: fc.stringMatching(/^[a-z0-9]{1,8}$/),
  }),
);
const places = fc.uniqueArray(fc.tuple(topic, place), {
  minLength: 1,
  maxLength: 20,
  selector: ([name]) => name,
});

test("a position that lists its topics survives formatting and parsing", () => {
  fc.assert(
    fc.property(places, (listed) => {
      const position = parsePosition(formatPosition(listed));
      expect([...(position?.topics ?? [])]).toEqual(listed.map(([name, at]) => [markOf(name), at]));
      expect(position?.point).toBeUndefined();
    }),
  );
});

test("the position of one topic agrees with the whole position", () => {
  const point = formatPoint({ stamp: 1_732_300_000_123, frontend: "f00000aa" as never, order: 77 });
  fc.assert(
    fc.property(places, topic, (listed, other) => {
      const list = formatPosition(listed);
      const single =
        point +
        formatTopicPosition(
          markOf(listed[0]?.[0] as Topic),
          listed[0]?.[1] ?? { seq: 0, epoch: "" },
        );
      for (const text of [list, single]) {
        for (const name of [...listed.map(([each]) => each), other]) {
          expect(positionIn(text, name)).toEqual(parsePosition(text)?.topics.get(markOf(name)));
        }
      }
    }),
  );
});

test("a point names the moment the log must have reached; older versions still parse it", () => {
  const mark = markOf(topicOf("video", "1"));
  const at = { seq: 7, epoch: "k3f9q" };
  const point = { stamp: 1_732_300_000_123, frontend: "f00000aa" as never, order: 77 };
  for (const ahead of [-2500, -1, 0, 1, 2500]) {
    const reach = [{ epoch: "k3f9q", stamp: point.stamp + ahead }];
    const text = formatPoint({ ...point, reach }) + formatTopicPosition(mark, at);
    expect(parsePosition(text)).toEqual({
      point: { ...point, reach },
      topics: new Map([[mark, at]]),
    });
    // The earlier grammar: every part is a topic's.
    for (const part of text.split("~").slice(4))
      expect(part).toMatch(/^[a-z0-9]{1,8}\.[1-9a-z][0-9a-z]*\.[a-z0-9]{1,8}$/);
    const before = formatPoint(point) + formatTopicPosition(mark, at);
    expect(text.length - before.length).toBeLessThanOrEqual(13);
    expect(parsePosition(before)?.point).toEqual(point);
  }
});

test("a point names every moment exactly, also one of an earlier epoch before its stamp", () => {
  const point = { stamp: 1000, frontend: "f00000aa" as never, order: 7 };
  const named = (...stamps: readonly number[]) => {
    const reach = stamps.map((stamp, index) => ({ epoch: `life${index}`, stamp }));
    return parsePosition(formatPoint({ ...point, reach }))?.point?.reach;
  };
  expect(named(0, 999, 1000, 1001)).toEqual([
    { epoch: "life0", stamp: 0 },
    { epoch: "life1", stamp: 999 },
    { epoch: "life2", stamp: 1000 },
    { epoch: "life3", stamp: 1001 },
  ]);
  // Of a moment before the beginning of time, no stamp was ever given.
  expect(parsePosition("1~rs~f00000aa~7~01.rt.life1")).toBeUndefined();
});

test("no topic has the moment's mark", () => {
  fc.assert(fc.property(topic, (name) => expect(markOf(name)).toMatch(/^(0|[1-9a-z][0-9a-z]*)$/)));
});

test("an id of another system is no position", () => {
  for (const text of ["", "42", "~", "1~~~", `1~~~~${markOf(topicOf("video", "1"))}.`]) {
    expect(positionIn(text, topicOf("video", "1"))).toBeUndefined();
  }
});

test("text over POSITION_CHARACTERS_MAX, or with too many topics, is no position", () => {
  const part = (index: number) => `~${index.toString(36).padStart(8, "0")}.1.e`;
  const listed = (count: number) =>
    `1~~~${Array.from({ length: count }, (_, index) => part(index)).join("")}`;
  expect(parsePosition(listed(TOPICS_PER_CONNECTION_MAX))?.topics.size).toBe(
    TOPICS_PER_CONNECTION_MAX,
  );
  expect(parsePosition(listed(TOPICS_PER_CONNECTION_MAX + 1))).toBeUndefined();
  expect(listed(TOPICS_PER_CONNECTION_MAX).length).toBeLessThan(POSITION_CHARACTERS_MAX);
  expect(parsePosition(`1~~~${"~".repeat(POSITION_CHARACTERS_MAX)}`)).toBeUndefined();
});

test("text with more than REACH_MAX moments of the log is no position", () => {
  const text = (moments: number) =>
    `1~1~f3k9q2ab~1${Array.from({ length: moments }, (_, n) => `~0${n % 2}.1.life${n}`).join("")}`;
  expect(parsePosition(text(REACH_MAX))?.point?.reach).toHaveLength(REACH_MAX);
  expect(parsePosition(text(REACH_MAX + 1))).toBeUndefined();
});
