import { expect, test } from "bun:test";
import { balance, movedAfterMs, type SeenEvent } from "./balance.ts";
import type { Outcome, PublishedEvent } from "./failover-publishers.ts";

/** Client 0, every second event durable, the given dispatcher. */
function published(outcomes: readonly Outcome[], dispatcher = 0): readonly PublishedEvent[] {
  return outcomes.map((outcome, number) => ({
    id: `0-${number}`,
    client: 0,
    topic: "video:1",
    durable: number % 2 === 1,
    dispatcher,
    outcome,
    endedAt: number,
  }));
}

const SEEN: readonly SeenEvent[] = [
  { id: "0-0", seq: undefined },
  { id: "0-1", seq: 1 },
  { id: "0-2", seq: undefined },
  { id: "0-3", seq: 2 },
];
const ALL = published(["acknowledged", "acknowledged", "acknowledged", "acknowledged"]);
const witness = (seen: readonly SeenEvent[], announced = 0) => ({ seen, announced });
const [one, two, three, four] = SEEN as [SeenEvent, SeenEvent, SeenEvent, SeenEvent];

test("events acknowledged and seen by all are balanced", () => {
  const { live, durable, phantoms, announced } = balance(ALL, [witness(SEEN), witness(SEEN)]);
  const whole = {
    acknowledged: 2,
    unanswered: 0,
    unansweredSeen: 0,
    refused: 0,
    lost: [],
    twice: 0,
    disordered: 0,
  };
  expect({ live, durable, phantoms, announced }).toEqual({
    live: whole,
    durable: whole,
    phantoms: 0,
    announced: 0,
  });
});

test("an event that one of two viewers missed is lost, in its lane; so is a hole", () => {
  const { live, durable } = balance(ALL, [witness(SEEN), witness([two], 1)]);
  expect([live.lost.map(({ id }) => id), durable.lost.map(({ id }) => id)]).toEqual([
    ["0-0", "0-2"],
    ["0-3"],
  ]);
  expect(
    balance(ALL, [
      witness([
        { ...two, seq: 1 },
        { ...four, seq: 3 },
      ]),
    ]).durable.disordered,
  ).toBe(1);
  expect(balance(ALL, [witness([], 3), witness([], 4)]).announced).toBe(7);
});

test("unacknowledged events are not owed to any viewer, and counted", () => {
  const some = published(["unanswered", "acknowledged", "refused", "unanswered"]);
  const { live, durable } = balance(some, [witness([one, two])]);
  expect(live).toEqual({
    acknowledged: 0,
    unanswered: 1,
    unansweredSeen: 1,
    refused: 1,
    lost: [],
    twice: 0,
    disordered: 0,
  });
  expect(durable).toMatchObject({ acknowledged: 1, unanswered: 1, lost: [] });
});

test("duplicate, out-of-order and unpublished events are reported", () => {
  expect(balance(ALL, [witness([...SEEN, one, two])])).toMatchObject({
    live: { twice: 1 },
    durable: { twice: 1 },
  });
  expect(balance(ALL, [witness([three, one])]).live.disordered).toBe(1);
  expect(balance(ALL, [witness([...SEEN, { id: "9-9", seq: undefined }])]).phantoms).toBe(1);
});

test("publishing resumes when the last publisher of the dead dispatcher has another", () => {
  const [first, second, third, fourth] = ALL as [
    PublishedEvent,
    PublishedEvent,
    PublishedEvent,
    PublishedEvent,
  ];
  const moved = [
    first,
    second,
    { ...third, dispatcher: 1, endedAt: 120 },
    { ...fourth, dispatcher: 1, endedAt: 130 },
  ];
  expect(movedAfterMs(moved, 0, 100)).toBe(20);
  expect(movedAfterMs([first, second], 0, 100)).toBe(Number.POSITIVE_INFINITY);
});
