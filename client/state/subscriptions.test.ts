import { expect, test } from "bun:test";
import { parseTopic, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import { settle } from "../../testing/manual-clock.ts";
import type { Stream } from "../stream/stream.ts";
import { Subscriptions } from "./subscriptions.ts";

const ONE = parseTopic("video:1") as Topic;

function begin() {
  const calls: string[] = [];
  const heads = new Map<Topic, number>();
  const stream: Stream = {
    add: (topic) => void calls.push(`add ${topic}`),
    remove: (topic) => void calls.push(`remove ${topic}`),
    standing(topic) {
      const seq = heads.get(topic);
      return seq === undefined ? undefined : { seq, position: undefined };
    },
    tokenChanged() {},
    wake() {},
    offline() {},
    sleep() {},
    close: () => void calls.push("close"),
  };
  return { calls, heads, subscriptions: new Subscriptions(() => stream) };
}

const event = (type: string, seq?: number) => ({
  topic: ONE,
  type,
  at: 1,
  data: {},
  ...(seq !== undefined && { seq }),
});

test("subscribers of one topic share it: the stream has it from the first to the last", () => {
  const { calls, subscriptions } = begin();
  const first = subscriptions.subscribe(ONE, {});
  const second = subscriptions.subscribe(ONE, {});
  first.unsubscribe();
  first.unsubscribe();
  expect(calls).toEqual([`add ${ONE}`]);
  second.unsubscribe();
  expect(calls).toEqual([`add ${ONE}`, `remove ${ONE}`]);
});

test("a later subscriber begins at the position of an active topic", async () => {
  const { heads, subscriptions } = begin();
  subscriptions.subscribe(ONE, {});
  heads.set(ONE, 7);
  const seen: number[] = [];
  subscriptions.subscribe(ONE, { onSubscribed: ({ head }) => void seen.push(head) });
  const gone = subscriptions.subscribe(ONE, { onSubscribed: () => void seen.push(-1) });
  gone.unsubscribe();
  await settle();
  expect(seen).toEqual([7]);
  // After a reconnect the stream reports the topic again, the subscriber has been called.
  subscriptions.onSubscribed(ONE, 9);
  expect(seen).toEqual([7]);
});

test("a type has its callback, an unknown one `onEvent`, one of Object's none of its own", () => {
  const { subscriptions } = begin();
  const seen: string[] = [];
  subscriptions.subscribe(ONE, {
    comment: ({ seq }) => void seen.push(`comment ${seq}`),
    onGap: () => void seen.push("gap"),
    onEvent: ({ type }) => void seen.push(`any ${type}`),
  });
  for (const type of ["comment", "gap", "constructor", "poll"])
    subscriptions.onEvent(event(type, 1));
  expect(seen).toEqual([
    "comment 1",
    "any comment",
    "gap",
    "any gap",
    "any constructor",
    "any poll",
  ]);
});

test("a refused topic is reported and forgotten", () => {
  const { calls, subscriptions } = begin();
  const codes: string[] = [];
  const subscription = subscriptions.subscribe(ONE, { onRefused: (code) => void codes.push(code) });
  subscriptions.onRefused(ONE, "forbidden");
  subscription.unsubscribe();
  expect(codes).toEqual(["forbidden"]);
  expect(calls).toEqual([`add ${ONE}`]);
});

test("a topic over the limit of a connection is refused", async () => {
  const { calls, subscriptions } = begin();
  for (let number = 0; number < TOPICS_PER_CONNECTION_MAX; number++)
    subscriptions.subscribe(`video:${number}`, {});
  const codes: string[] = [];
  subscriptions.subscribe("video:one-too-many", { onRefused: (code) => void codes.push(code) });
  await settle();
  expect(codes).toEqual(["too-many-topics"]);
  expect(calls).toHaveLength(TOPICS_PER_CONNECTION_MAX);
});

test("a text that is no topic throws, and so does a closed client", () => {
  const { subscriptions } = begin();
  expect(() => subscriptions.subscribe("video", {})).toThrow(TypeError);
  subscriptions.onState({ name: "closed", reason: "closed-by-application" });
  expect(() => subscriptions.subscribe(ONE, {})).toThrow("closed");
});

test("a state listener has the current state at once, and later ones until it ends", () => {
  const { subscriptions } = begin();
  const names: string[] = [];
  const stop = subscriptions.listen(({ name }) => void names.push(name));
  subscriptions.onState({ name: "connecting", reason: "first" });
  stop();
  subscriptions.onState({ name: "connected", reason: "opened", connectionId: "c" });
  expect(names).toEqual(["idle", "connecting"]);
  expect(subscriptions.state.name).toBe("connected");
});
