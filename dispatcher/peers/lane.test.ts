/** What happens at each bound of the way to a peer, on a clock that the test moves. */

import { expect, test } from "bun:test";
import { DEFAULT_POLICY, type Event, toJsonText, topicOf } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { CallFailedError } from "../internal/client.ts";
import { CLOSE_MS_MAX, PeerLane } from "./lane.ts";
import * as limits from "./peer.ts";

const topic = topicOf("video", "1");
const goal = (at: number, text = ""): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText(text),
});
const comment = (seq: number, text = ""): Event => ({
  ...goal(seq, text),
  type: "comment",
  place: { seq, epoch: "e", stamp: seq },
});
const list = (count: number, make: (index: number) => Event) =>
  Array.from({ length: count }, (_, index) => make(index + 1));

/** A peer that answers, is silent, or refuses every connection. */
function open(mode: "answers" | "silent" | "refuses") {
  const clock = createManualClock(0);
  const bodies: string[] = [];
  const calledAt: number[] = [];
  const peer = { mode };
  const lane = new PeerLane({
    peer: { name: "there", urls: ["http://a:1"] },
    client: {
      call(_, __, body) {
        bodies.push(body);
        calledAt.push(clock.now());
        if (peer.mode === "silent") return new Promise(() => undefined);
        if (peer.mode === "refuses")
          return Promise.reject(new CallFailedError("refused", { nothingSent: true } as never));
        return Promise.resolve({ taken: true, life: "life" });
      },
    },
    dispatcherId: "dispatcher1",
    policy: DEFAULT_POLICY,
    clock,
    random: () => 1,
    forwardTtlMs: limits.FORWARD_TTL_MS_DEFAULT,
    onState: () => undefined,
  });
  const eventsIn = (body = "") => (body.split("\n").length - 2) >> 1;
  return { clock, bodies, calledAt, peer, lane, eventsIn };
}

test("FORWARD_BATCHES_MAX: what follows waits while so many batches are not answered", async () => {
  const { clock, bodies, lane } = open("silent");
  for (let batch = 0; batch < limits.FORWARD_BATCHES_MAX + 5; batch++) {
    lane.push([goal(batch)]);
    await clock.advance(limits.FORWARD_EVERY_MS + 1);
  }
  expect(bodies).toHaveLength(limits.FORWARD_BATCHES_MAX);
  expect(lane.stats()).toMatchObject({ waiting: 5, inFlight: limits.FORWARD_BATCHES_MAX });
});

test("FORWARD_BATCH_EVENTS_MAX, …_BYTES_MAX: more leaves as several batches", async () => {
  const { clock, bodies, lane, eventsIn } = open("answers");
  lane.push(list(limits.FORWARD_BATCH_EVENTS_MAX + 1, goal));
  await clock.advance(50);
  expect(bodies.map(eventsIn)).toEqual([limits.FORWARD_BATCH_EVENTS_MAX, 1]);
  const text = "x".repeat(50_000);
  const count = Math.ceil(limits.FORWARD_BATCH_BYTES_MAX / text.length) + 2;
  lane.push(list(count, (at) => goal(at, text)));
  await clock.advance(50);
  const [, , first = "", second = ""] = bodies;
  expect(eventsIn(first) + eventsIn(second)).toBe(count);
  expect(first.length).toBeLessThan(limits.FORWARD_BATCH_BYTES_MAX + 1000);
  expect(limits.FORWARD_CALL_BYTES_MAX).toBeGreaterThan(3 * limits.FORWARD_BATCH_BYTES_MAX);
  expect(limits.FORWARD_CALL_EVENTS_MAX).toBeGreaterThanOrEqual(limits.FORWARD_BATCH_EVENTS_MAX);
});

test("FORWARD_WAITING_BYTES_MAX, …_DURABLE_EVENTS_MAX: each lane keeps its newest", async () => {
  const { clock, lane } = open("refuses");
  lane.push([goal(1)]);
  await clock.advance(20);
  lane.push(list(limits.FORWARD_WAITING_DURABLE_EVENTS_MAX + 10, (seq) => comment(seq)));
  expect(lane.stats()).toMatchObject({ droppedFull: 10, durable: { droppedFull: 10 } });
  const text = "x".repeat(60_000);
  const many = Math.ceil(limits.FORWARD_WAITING_BYTES_MAX / text.length) + 5;
  lane.push(list(many, (at) => goal(at, text)));
  const { droppedFull, durable } = lane.stats();
  expect(droppedFull - durable.droppedFull).toBeGreaterThan(4);
  const most = Math.ceil(limits.FORWARD_WAITING_DURABLE_BYTES_MAX / text.length) + 5;
  lane.push(list(most, (seq) => comment(seq, text)));
  const kept = limits.FORWARD_WAITING_DURABLE_BYTES_MAX / text.length;
  expect(lane.stats().waiting).toBeLessThan(2 * kept + 5);
});

test("FORWARD_DURABLE_MS_MAX: a durable event is pending for so long, then dropped", async () => {
  const { clock, lane } = open("refuses");
  lane.push([comment(1)]);
  await clock.advance(limits.FORWARD_DURABLE_MS_MAX - 2000);
  expect(lane.stats()).toMatchObject({ waiting: 1, durable: { expired: 0 } });
  await clock.advance(2000 + 2 * limits.FORWARD_RETRY_MS_MAX);
  expect(lane.stats()).toMatchObject({ durable: { expired: 1 } });
});

test("FORWARD_RETRY_MS_MAX: the waits between attempts double up to it", async () => {
  const { clock, calledAt, lane } = open("refuses");
  lane.push([comment(1)]);
  await clock.advance(20_000);
  const waits = calledAt.slice(1).map((at, index) => at - (calledAt[index] ?? 0));
  expect(Math.max(...waits)).toBe(limits.FORWARD_RETRY_MS_MAX);
  expect(waits.at(-1)).toBe(limits.FORWARD_RETRY_MS_MAX);
});

test("CLOSE_MS_MAX: a close waits so long for a peer that does not answer", async () => {
  for (const mode of ["silent", "answers"] as const) {
    const { clock, lane } = open(mode);
    lane.push([goal(1)]);
    let isClosed = false;
    void lane.close().then(() => {
      isClosed = true;
    });
    await clock.advance(CLOSE_MS_MAX - 1);
    expect(isClosed).toBe(mode === "answers");
    await clock.advance(20);
    expect(isClosed).toBe(true);
  }
});
