import { describe, expect, test } from "bun:test";
import {
  type ConnectionId,
  DEFAULT_POLICY,
  type DurableEvent,
  type Event,
  type FrontendId,
  toJsonText,
} from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Connection } from "../connections/connection.ts";
import { PLAIN } from "../connections/wire-form.ts";
import { createCounters } from "../counters.ts";
import { topic } from "../testing/model-upstream.ts";
import { Hub, type HubChannel, type HubSubscription } from "./hub.ts";

const TOPIC = topic("video:1");
const OTHER = topic("video:2");

function event(seq: number, epoch = "epoch1"): DurableEvent {
  const place = { seq, epoch, stamp: 1000 + seq };
  return { topic: TOPIC, type: "comment", at: 1, data: toJsonText({ text: `${seq}` }), place };
}
const live = (of = TOPIC): Event => ({ topic: of, type: "goal", at: 1, data: toJsonText("goal") });

function world() {
  const clock = createManualClock();
  const calls: string[] = [];
  const counters = createCounters();
  const hub = new Hub({
    frontend: "frontend1" as FrontendId,
    policy: DEFAULT_POLICY,
    clock,
    steady: clock,
    counters,
    soon: (run) => void clock.after(0, run),
    elapsed: () => clock.now(),
    onMissing: (channel, seq) => void calls.push(`missing ${channel.topic} ${seq}`),
    onOtherEpoch: (channel) => void calls.push(`other epoch ${channel.topic}`),
    onUnwanted: (of) => void calls.push(`unwanted ${of.topic}`),
    onOvertaken: ({ channel }) => void calls.push(`overtaken ${channel.topic}`),
  });

  /** A viewer of these channels; `slow` writes are accepted later, by the returned function. */
  function viewer(...channels: HubChannel[]) {
    const writes: string[] = [];
    let drained: PromiseWithResolvers<number> | undefined;
    const connection = new Connection({
      id: `frontend1.${"a".repeat(22)}` as ConnectionId,
      identity: undefined,
      form: PLAIN,
      address: "127.0.0.1",
      endsAt: 1e9,
    });
    connection.attach({
      write(bytes) {
        writes.push(new TextDecoder().decode(bytes));
        return drained?.promise ?? bytes.length;
      },
      end: () => undefined,
      cut: () => undefined,
    });
    connection.open = true;
    for (const channel of channels) {
      const subscription: HubSubscription = {
        connection,
        channel,
        start: channel.position,
        next: channel.nextBatch,
        index: 0,
        descriptor: -1,
        form: PLAIN,
        several: false,
      };
      connection.subscriptions.push(subscription);
      channel.add(subscription);
    }
    connection.update();
    return {
      connection,
      writes,
      comments: () =>
        [...writes.join("").matchAll(/"text":"(\d+)"/g)].map(([, seq]) => Number(seq)),
      stall: () => {
        drained = Promise.withResolvers();
      },
      drain: () => {
        drained?.resolve(0);
        drained = undefined;
      },
    };
  }

  function open(of = TOPIC, seq = 0): HubChannel {
    const channel = hub.open(of);
    channel.startAt({ seq, epoch: seq === 0 ? "" : "epoch1" }, 1);
    return channel;
  }
  return { clock, hub, calls, counters, viewer, open };
}

describe("dispatched events", () => {
  test("of one turn are one batch: every viewer gets it in one write", async () => {
    const { clock, hub, counters, viewer, open } = world();
    const channel = open();
    const viewers = [viewer(channel), viewer(channel), viewer(channel)];
    hub.dispatch([event(1), event(2)]);
    hub.dispatch([event(3)]);
    await clock.advance(0);
    for (const { comments, writes } of viewers)
      expect([comments(), writes.length]).toEqual([[1, 2, 3], 1]);
    expect(counters).toMatchObject({ batches: 1, writes: 3, written: 9, dispatched: 3 });
  });

  test("ahead of a missing number wait, and the number is reported", async () => {
    const { clock, hub, calls, viewer, open } = world();
    const { comments } = viewer(open());
    hub.dispatch([event(1), event(3)]);
    await clock.advance(0);
    expect([calls, comments()]).toEqual([["missing video:1 1"], [1]]);
    hub.dispatch([event(2)]);
    await clock.advance(1000);
    expect(comments()).toEqual([1, 2, 3]);
  });

  test("of no channel, of an earlier time and of another epoch are told apart", () => {
    const { hub, calls, counters, open } = world();
    open(TOPIC, 5);
    hub.dispatch([live(OTHER), event(5), event(5, "epoch2")]);
    expect(calls).toEqual(["unwanted video:2", "other epoch video:1"]);
    expect(counters.repeated).toBe(1);
  });
});

describe("a slow connection", () => {
  test("is skipped, then gets all that it lacks in one write, in order", async () => {
    const { clock, hub, counters, viewer, open } = world();
    const channel = open();
    const [slow, fast] = [viewer(channel), viewer(channel)];
    slow.stall();
    for (let seq = 1; seq <= 4; seq++) {
      hub.dispatch([event(seq)]);
      await clock.advance(1000);
    }
    expect([slow.comments(), fast.comments(), counters.slow]).toEqual([[1], [1, 2, 3, 4], 1]);
    slow.drain();
    await clock.advance(0);
    expect([slow.comments(), slow.writes.length, counters.slow]).toEqual([[1, 2, 3, 4], 2, 0]);
  });
});

describe("a connection with several topics", () => {
  test("gets the events of one tick in one write", async () => {
    const { clock, hub, viewer, open } = world();
    const { writes } = viewer(open(TOPIC), open(OTHER));
    hub.dispatch([event(1), live(OTHER)]);
    await clock.advance(0);
    expect(writes).toHaveLength(1);
    expect(writes[0]).toContain("goal");
    expect(writes[0]).toContain('"text":"1"');
  });
});

describe("channels", () => {
  test("are created once, and counted where the kind counts viewers", () => {
    const { hub, open } = world();
    const channel = open();
    expect(hub.open(TOPIC)).toBe(channel);
    const personal = hub.open(topic("member:ana"));
    expect([hub.counted.has(channel), hub.counted.has(personal)]).toEqual([true, false]);
    expect(() => hub.open(topic("unknown:1"))).toThrow("no policy");
  });

  test("that were replaced are not forgotten again", () => {
    const { hub, open } = world();
    const first = open();
    hub.forget(first);
    const second = open();
    hub.forget(first);
    expect(hub.channel(TOPIC)).toBe(second);
  });
});
