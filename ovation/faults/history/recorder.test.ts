import { expect, test } from "bun:test";
import { until } from "../../../testing/until.ts";
import { check } from "../checkers/checker.ts";
import { Recorder } from "./recorder.ts";

const TOPIC = "video:a";

test("what many saw is kept once, and read as often as one likes", () => {
  const recorder = new Recorder();
  const viewers = ["one", "two"].map((name) => recorder.viewer(name, "sdk", [TOPIC]));
  for (const viewer of viewers) {
    viewer.connected(true);
    viewer.subscribed(TOPIC, 0);
    viewer.event(TOPIC, "goal", 1, { id: "d1" });
  }
  const { viewers: seen } = recorder.history(new Map());
  for (const { entries } of [...seen, ...seen]) {
    const [, subscribed, event] = entries;
    expect(subscribed).toMatchObject({ kind: "subscribed", head: 0 });
    expect(event).toMatchObject({
      kind: "event",
      topic: TOPIC,
      seq: 1,
      key: "d1",
      content: 'goal {"id":"d1"}',
    });
  }
  expect(recorder.counts.deliveries).toBe(2);
});

test("nothing live is owed to who has left: it counts as away", async () => {
  const recorder = new Recorder();
  const viewer = recorder.viewer("passing", "sdk", [TOPIC]);
  viewer.connected(true);
  viewer.subscribed(TOPIC, 0);
  viewer.leave();
  const leftAt = recorder.now();
  await until(() => recorder.now() > leftAt);
  const sentAt = recorder.now();
  recorder.publish({
    publisher: "ana",
    topic: TOPIC,
    lane: "live",
    key: "l1",
    number: 1,
    sentAt,
    endedAt: sentAt,
    attempts: 1,
    outcome: { kind: "acknowledged", seq: undefined },
  });
  expect(check(recorder.history(new Map([[TOPIC, []]])))).toMatchObject({
    violations: [],
    live: { away: 1, lostInFaults: 0 },
  });
});
