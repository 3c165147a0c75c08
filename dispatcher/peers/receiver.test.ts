import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { MemorySharedStore } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { encodeEvents } from "../event-codec.ts";
import { createRefusals } from "../internal/route.ts";
import { formatPeerCaller } from "./peer.ts";
import { PeerReceiver, STREAMS_MAX } from "./receiver.ts";

test("STREAMS_MAX: one more evicts the least recently used, delivering its events", async () => {
  const clock = createManualClock(0);
  const received: Event[] = [];
  const shared = new MemorySharedStore(clock);
  const receiver = new PeerReceiver({
    refusals: createRefusals(),
    datacenter: "b",
    clock,
    counts: { totals: async () => [] } as never,
    table: { lookup: async () => [] },
    shared,
    receive: async (events) => void received.push(...events),
    onFailure: () => undefined,
  });
  const { life } = await shared.claim("any id", 1000);
  const forward = (dispatcher: string, number: number) => {
    const id = `${dispatcher}.${number}`;
    const event: Event = {
      topic: topicOf("video", "1"),
      type: "goal",
      at: number,
      data: toJsonText(id),
    };
    return receiver.forward({
      from: formatPeerCaller("a", dispatcher),
      to: "b",
      body: Buffer.from(`${JSON.stringify({ number, id, life })}\n${encodeEvents([event])}`),
    });
  };
  const data = () => received.map((event) => event.data);
  await forward("first", 1);
  // Waits for number 2.
  await forward("first", 3);
  expect(data()).toEqual([toJsonText("first.1")]);
  for (let other = 1; other < STREAMS_MAX; other++) await forward(`other${other}`, 1);
  expect(data()).not.toContain(toJsonText("first.3"));
  await forward("last", 1);
  expect(data().slice(-2)).toEqual([toJsonText("first.3"), toJsonText("last.1")]);
  expect(received).toHaveLength(STREAMS_MAX + 2);
});
