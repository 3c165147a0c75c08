import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { Canary } from "./probe.ts";
import type { Upstream } from "./upstream.ts";

const TOPIC = topicOf("frontend", "abcdef12");

/** A canary over a way up that does what `probe` says, and a clock that steps from wait to wait. */
function start(probe: (number: number, back: (event: Event) => void) => Promise<void>): {
  readonly canary: Canary;
  seconds(count: number): Promise<void>;
} {
  let now = 0;
  let due: { at: number; run: () => void } | undefined;
  const clock = {
    now: () => now,
    after(ms: number, run: () => void) {
      due = { at: now + ms, run };
      return () => undefined;
    },
  };
  const upstream = {
    probe: (number: number) => probe(number, (event) => canary.take(event)),
  } as unknown as Upstream;
  const canary: Canary = new Canary({ topic: TOPIC, upstream, clock, elapsed: () => now });
  void canary.run();
  return {
    canary,
    async seconds(count) {
      for (let second = 0; second < count; second++) {
        now = due?.at ?? now;
        due?.run();
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
    },
  };
}

function eventOf(number: number): Event {
  return { topic: TOPIC, type: "canary", at: 0, data: toJsonText(number) };
}

test("canaries that come back are counted once, with their delay", async () => {
  const delays: number[] = [];
  const { canary, seconds } = start(async (number, back) => {
    back(eventOf(number));
    back(eventOf(number));
  });
  canary.onDelay = (delay) => delays.push(delay);
  await seconds(4);
  expect(canary).toMatchObject({ sent: 4, received: 4, lost: 0, refused: 0 });
  expect(delays).toEqual([0, 0, 0, 0]);
});

test("canaries that do not come back are lost after five seconds, refused ones at once", async () => {
  const silent = start(async () => undefined);
  await silent.seconds(8);
  expect(silent.canary).toMatchObject({ sent: 8, received: 0, lost: 3 });
  const refused = start(() => Promise.reject(new Error("no dispatcher answers")));
  await refused.seconds(3);
  expect(refused.canary).toMatchObject({ sent: 3, refused: 3, lost: 0 });
});

test("another event of the frontend's own topic is none, and another topic's canary neither", () => {
  const { canary } = start(async () => undefined);
  expect(canary.take({ ...eventOf(1), type: "goal" })).toBe(false);
  expect(canary.take({ ...eventOf(1), topic: topicOf("video", "1") })).toBe(false);
});
