import { describe, expect, test } from "bun:test";
import { DEFAULT_POLICY, type DurableEvent, policyOf, toJsonText } from "@ovation/protocol";
import { createCounters } from "../counters.ts";
import { topic } from "../testing/model-upstream.ts";
import { Channel, type Subscriber } from "./channel.ts";
import { ChannelKinds } from "./channel-kinds.ts";

const TOPIC = topic("video:1");

function channelAt(seq: number, epoch = "epoch1"): Channel {
  const policy = policyOf(DEFAULT_POLICY, TOPIC);
  if (policy === undefined) throw new Error("no policy");
  const channel = new Channel(TOPIC, new ChannelKinds(createCounters().pending).of(policy));
  channel.startAt({ seq, epoch }, 1);
  return channel;
}

function event(seq: number, epoch = "epoch1"): DurableEvent {
  const place = { seq, epoch, stamp: 1000 + seq };
  return { topic: TOPIC, type: "comment", at: 1, data: toJsonText({ text: `${seq}` }), place };
}

function subscriber(isSlow = false): Subscriber {
  return { index: 0, next: 1, connection: { lags: isSlow ? new Map() : undefined } };
}

/** The comments of the next batch. */
function batchOf(channel: Channel, order = 1): readonly string[] {
  const bytes = channel.makeBatch(order, "1~~~", 0)?.encoded.plain;
  const text = new TextDecoder().decode(bytes);
  return [...text.matchAll(/"text":"(\d+)"/g)].map(([, number = ""]) => number);
}

describe("durable events", () => {
  test("are taken in order, once; a later number is held until the missing one arrives", () => {
    const channel = channelAt(4);
    expect(channel.takeDurable(event(5))).toBe("taken");
    expect(channel.takeDurable(event(7))).toBe("held");
    expect(channel.takeDurable(event(5))).toBe("old");
    expect([channel.seq, channel.hasHeld]).toEqual([5, true]);
    expect(channel.takeDurable(event(6))).toBe("taken");
    expect([channel.seq, channel.hasHeld]).toEqual([7, false]);
    expect(batchOf(channel)).toEqual(["5", "6", "7"]);
    expect(batchOf(channel, 2)).toEqual([]);
  });

  test("before the join are held, and those up to the head are discarded by it", () => {
    const policy = policyOf(DEFAULT_POLICY, TOPIC);
    if (policy === undefined) throw new Error("no policy");
    const channel = new Channel(TOPIC, new ChannelKinds(createCounters().pending).of(policy));
    expect([4, 5, 6].map((seq) => channel.takeDurable(event(seq)))).toEqual([
      "held",
      "held",
      "held",
    ]);
    channel.startAt({ seq: 4, epoch: "epoch1" }, 1);
    expect([channel.joined, channel.seq]).toEqual([true, 6]);
    expect(batchOf(channel)).toEqual(["5", "6"]);
  });

  test("of another epoch are not taken until the log has confirmed the position", () => {
    const channel = channelAt(4);
    expect(channel.takeDurable(event(4, "epoch2"))).toBe("other-epoch");
    expect(channel.takeDurable(event(5, "epoch2"))).toBe("held");
    expect(channel.takeDurable(event(5, "epoch2"), true)).toBe("taken");
    expect([channel.seq, channel.epoch]).toEqual([5, "epoch2"]);
  });

  test("that are held can be discarded up to a number", () => {
    const channel = channelAt(1);
    for (const seq of [3, 4, 5]) channel.takeDurable(event(seq));
    channel.dropHeld(4);
    channel.takeDurable(event(2));
    expect([channel.seq, channel.hasHeld]).toEqual([2, true]);
    channel.dropHeld();
    expect(channel.hasHeld).toBe(false);
  });
});

describe("subscriptions", () => {
  test("one is kept without an audience, several in order", () => {
    const channel = channelAt(0);
    const [first, second] = [subscriber(), subscriber()];
    channel.add(first);
    expect([channel.single, channel.subscribers]).toEqual([first, 1]);
    channel.add(second);
    expect([channel.single, channel.subscriptions]).toEqual([undefined, [first, second]]);
    channel.remove(first);
    channel.remove(second);
    expect(channel.subscribers).toBe(0);
  });
});

describe("the buffer", () => {
  test("is created for the first event, and dropped when its only viewer has all of it", () => {
    const channel = channelAt(0);
    const viewer = subscriber();
    channel.add(viewer);
    expect(channel.buffer).toBeUndefined();
    channel.takeLive({ topic: TOPIC, type: "goal", at: 1, data: toJsonText(1) }, 0);
    channel.makeBatch(1, "1~~~", 0);
    channel.compact();
    expect(channel.buffer).toBeDefined();
    Object.assign(viewer, { next: channel.nextBatch });
    channel.compact();
    expect(channel.buffer).toBeUndefined();
  });

  test("of an idle topic stays while a slow viewer needs it", () => {
    const channel = channelAt(0);
    channel.add(subscriber());
    channel.add(subscriber(true));
    channel.takeDurable(event(1));
    channel.makeBatch(1, "1~~~", 0);
    for (const each of channel.subscriptions) Object.assign(each ?? {}, { next: 2 });
    channel.releaseIdle(1e9);
    expect(channel.buffer).toBeDefined();
    for (const each of channel.subscriptions)
      Object.assign(each?.connection ?? {}, { lags: undefined });
    channel.releaseIdle(1e9);
    expect([channel.buffer, channel.batched.seq]).toEqual([undefined, 1]);
  });

  test("knows where the topic stood after each broadcast", () => {
    const channel = channelAt(3);
    channel.takeDurable(event(4));
    channel.makeBatch(5, "1~~~", 0);
    channel.takeDurable(event(5));
    channel.makeBatch(9, "1~~~", 0);
    expect([0, 4, 5, 8, 9].map((order) => channel.positionAt(order)?.seq)).toEqual([
      undefined,
      3,
      4,
      4,
      5,
    ]);
  });
});
