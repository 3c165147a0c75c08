import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { PROBE_MS } from "../limits.ts";
import { Probe } from "./probe.ts";
import type { Upstream } from "./upstream.ts";

const TOPIC = topicOf("frontend", "abcdef12");

/** A probe over an upstream that answers each event as `answer` says. */
function start(answer: (number: number, back: (event: Event) => void) => Promise<void>): {
  readonly probe: Probe;
  seconds(count: number): Promise<void>;
} {
  const clock = createManualClock(0);
  const upstream = {
    probe: (number: number) => answer(number, (event) => probe.take(event)),
  } as unknown as Upstream;
  const probe: Probe = new Probe({ topic: TOPIC, upstream, clock, elapsed: clock.now });
  void probe.run();
  return { probe, seconds: (count) => clock.advance(count * PROBE_MS) };
}

function eventOf(number: number): Event {
  return { topic: TOPIC, type: "canary", at: 0, data: toJsonText(number) };
}

test("probes that come back are counted once, with their delay", async () => {
  const delays: number[] = [];
  const { probe, seconds } = start(async (number, back) => {
    back(eventOf(number));
    back(eventOf(number));
  });
  probe.onDelay = (delay) => delays.push(delay);
  await seconds(4);
  expect(probe).toMatchObject({ sent: 4, received: 4, lost: 0, refused: 0 });
  expect(delays).toEqual([0, 0, 0, 0]);
});

test("probes that do not come back are lost after five seconds, refused ones at once", async () => {
  const silent = start(async () => undefined);
  await silent.seconds(8);
  expect(silent.probe).toMatchObject({ sent: 8, received: 0, lost: 3 });
  const refused = start(() => Promise.reject(new Error("no dispatcher answers")));
  await refused.seconds(3);
  expect(refused.probe).toMatchObject({ sent: 3, refused: 3, lost: 0 });
});

test("another event of the frontend's own topic is no probe, nor is one of another topic", () => {
  const { probe } = start(async () => undefined);
  expect(probe.take({ ...eventOf(1), type: "goal" })).toBe(false);
  expect(probe.take({ ...eventOf(1), topic: topicOf("video", "1") })).toBe(false);
});
