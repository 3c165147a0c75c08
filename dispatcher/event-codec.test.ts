import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import fc from "fast-check";
import {
  createBatchEncoder,
  decodeEvents,
  encodeEvents,
  LINK_DATA_CHARACTERS_MAX,
  MalformedEventsError,
} from "./event-codec.ts";

const anyEvent: fc.Arbitrary<Event> = fc
  .record({
    topic: fc.constantFrom(
      topicOf("video", "42"),
      topicOf("member", "a.b~c@d|e+f=g-h"),
      topicOf("video", "x".repeat(128)),
    ),
    type: fc.constantFrom("comment", "likes", "goal.home_1-x"),
    at: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    data: fc.jsonValue().map(toJsonText),
    place: fc.option(
      fc.record({
        seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        epoch: fc.constantFrom("a", "k3f9q", "00000000"),
        stamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ place, ...event }) => (place === undefined ? event : { ...event, place }));

test("any batch of events arrives as it was", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => {
      expect(decodeEvents(encodeEvents(events), { eventsMax: 20, checkData: true })).toEqual(
        events,
      );
    }),
    { numRuns: 300 },
  );
});

test("what is no batch is refused as a whole", () => {
  const good = 'video:42 goal 1\n{"a":1}\n';
  expect(decodeEvents(good, { eventsMax: 1 })).toHaveLength(1);
  const bad = [
    "x",
    "\n",
    "\n\n",
    "video:42 goal 1\n",
    "video:42 goal 1\n{}",
    "video:42 goal 1\n\n",
    "video:42 goal x\n1\n",
    "video:42 goal 1e3\n1\n",
    "video:42 goal 99999999999999999\n1\n",
    "video:42 Goal 1\n1\n",
    "video42 goal 1\n1\n",
    "video:4 2 goal 1\n1\n",
    "video:42 goal 1 2\n1\n",
    "video:42 goal 1 0 abc 1\n1\n",
    "video:42 goal 1 1 ABC 1\n1\n",
    "video:42 goal 1 1 abc 1 1\n1\n",
    `video:42 goal 1\n${'"'.padEnd(65_537, "x")}"\n`,
    'video:42 goal 1\n"\r"\n',
    'video:42 goal 1\n"\0"\n',
    `${good}${good}`,
    `${good}junk`,
  ];
  for (const text of bad)
    expect(() => decodeEvents(text, { eventsMax: 1 })).toThrow(MalformedEventsError);
  expect(() =>
    decodeEvents("video:42 goal 1\n{no json}\n", { eventsMax: 1, checkData: true }),
  ).toThrow(MalformedEventsError);
});

test("no text makes it fail in another way", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .array(fc.constantFrom("video:42", " ", "\n", "goal", "1", "{}", '"x"', "abc"))
          .map((parts) => parts.join("")),
      ),
      (text) => {
        try {
          for (const event of decodeEvents(text, { eventsMax: 5, checkData: true }))
            JSON.parse(event.data);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedEventsError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("an encoder gives the same text for a repeated batch, a similar one and any other", () => {
  const encode = createBatchEncoder();
  const one: Event = { topic: topicOf("video", "1"), type: "goal", at: 1, data: toJsonText(1) };
  const other = { ...one, at: 2 };
  const third = { ...one, at: 3 };
  for (const batch of [
    [],
    [one],
    [one],
    [other],
    [one, other],
    [one, other],
    [one, third],
    [one],
    [other, one],
    [],
  ]) {
    expect(encode(batch)).toBe(encodeEvents(batch));
  }
});

test("LINK_DATA_CHARACTERS_MAX: data that no version accepted ends the batch", () => {
  const one = (characters: number) =>
    `video:1 goal 1\n${JSON.stringify("x".repeat(characters - 2))}\n`;
  expect(decodeEvents(one(LINK_DATA_CHARACTERS_MAX), { eventsMax: 1 })).toHaveLength(1);
  expect(() => decodeEvents(one(LINK_DATA_CHARACTERS_MAX + 1), { eventsMax: 1 })).toThrow(
    MalformedEventsError,
  );
});
