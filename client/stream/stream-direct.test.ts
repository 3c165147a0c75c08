import { expect, test } from "bun:test";
import { settle } from "../../testing/manual-clock.ts";
import {
  CONNECT_TIMEOUT_MS,
  HEARTBEATS_MISSED_MAX,
  HOLE_WAIT_MS,
  REQUEST_RETRIES_MAX,
  RETRY_ASKED_MS_MAX,
  STABLE_MS,
} from "../limits.ts";
import { createHarness, stateNames } from "../testing/harness.ts";
import { comment, record } from "../testing/record.ts";

test("the first subscription opens one connection for all topics of its turn", async () => {
  const harness = createHarness();
  await settle();
  expect(stateNames(harness)).toEqual(["idle/no-subscriptions"]);
  for (const id of ["1", "2", "3"]) harness.client.subscribe(`video:${id}`, {});
  await settle();
  expect(harness.network.connects).toHaveLength(1);
  expect(harness.network.connects[0]?.searchParams.getAll("topic")).toEqual([
    "video:1",
    "video:2",
    "video:3",
  ]);
  expect(stateNames(harness)).toEqual([
    "idle/no-subscriptions",
    "connecting/first",
    "connected/opened",
  ]);
});

test("later topics use one PUT per turn, unwanted ones one DELETE", async () => {
  const harness = createHarness();
  harness.client.subscribe("video:1", {});
  await settle();
  const { lines, handlers } = record();
  const two = harness.client.subscribe("video:2", handlers);
  const three = harness.client.subscribe("video:3", {});
  harness.client.subscribe("video:4", {}).unsubscribe();
  await settle();
  comment(harness, "video:2");
  two.unsubscribe();
  three.unsubscribe();
  await settle();
  expect(harness.network.changes).toEqual(["PUT video:2,video:3", "DELETE video:2,video:3"]);
  expect(lines).toEqual(["subscribed 0", "comment 1"]);
  expect(harness.network.connects).toHaveLength(1);
});

test("the last unsubscribe closes the connection, the next subscribe opens one", async () => {
  const harness = createHarness();
  const subscription = harness.client.subscribe("video:1", {});
  await settle();
  subscription.unsubscribe();
  await settle();
  expect(harness.client.state.name).toBe("idle");
  expect(harness.model.connections.size).toBe(0);
  harness.client.subscribe("video:1", {});
  await settle();
  expect(harness.client.state.name).toBe("connected");
});

test("a second subscriber of a topic begins at its position", async () => {
  const harness = createHarness();
  harness.client.subscribe("video:1", {});
  await settle();
  comment(harness);
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  comment(harness);
  expect(lines).toEqual(["subscribed 1", "comment 2"]);
  expect(harness.network.changes).toEqual([]);
});

test("the backoff grows while the server is down, and resets after a good connection", async () => {
  const harness = createHarness({ random: () => 1 });
  harness.client.subscribe("video:1", {});
  harness.network.reaches = () => false;
  await harness.clock.advance(120_000);
  const waits = harness.states.flatMap((state) =>
    state.name === "waiting" ? [state.retryInMs] : [],
  );
  expect(waits.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  harness.network.reaches = () => true;
  await harness.clock.advance(20_000);
  expect(harness.client.state.name).toBe("connected");
  await harness.clock.advance(STABLE_MS);
  harness.network.cut();
  expect(harness.client.state).toEqual({
    name: "waiting",
    reason: "network",
    retryInMs: 500,
    attempt: 0,
  });
});

test("a server that accepts and drops at once is not retried in a tight loop", async () => {
  const harness = createHarness({ random: () => 1 });
  harness.client.subscribe("video:1", {});
  await settle();
  for (let count = 0; count < 4; count++) {
    harness.network.cut();
    await harness.clock.advance(500 * 2 ** count);
  }
  const waits = harness.states.flatMap((state) =>
    state.name === "waiting" ? [state.retryInMs] : [],
  );
  expect(waits).toEqual([500, 1000, 2000, 4000]);
});

test("a server that never sends its first event is abandoned", async () => {
  const harness = createHarness({
    transport: () => ({ seesHeartbeats: true, close() {} }),
  });
  harness.client.subscribe("video:1", {});
  await harness.clock.advance(CONNECT_TIMEOUT_MS - 1);
  expect(harness.client.state.name).toBe("connecting");
  await harness.clock.advance(1);
  expect(harness.client.state.name).toBe("waiting");
});

test("two and a half silent heartbeats end a connection that shows them", async () => {
  const harness = createHarness();
  harness.client.subscribe("video:1", {});
  await settle();
  await harness.clock.advance(30_000);
  harness.network.callbacks?.onAlive();
  await harness.clock.advance(HEARTBEATS_MISSED_MAX * 15_000 - 1);
  expect(harness.client.state.name).toBe("connected");
  await harness.clock.advance(1);
  expect(stateNames(harness)).toContain("waiting/heartbeat-missed");
});

test("where heartbeats are hidden, silence triggers a check at the server", async () => {
  const harness = createHarness({}, false);
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.model.broadcasts = () => false;
  comment(harness);
  await harness.clock.advance(37_600);
  expect(harness.network.changes).toEqual(["PUT video:1"]);
  expect(harness.network.connects).toHaveLength(1);
  // Its response has a head that is ahead of the received events.
  await harness.clock.advance(2 * HOLE_WAIT_MS);
  expect(lines).toEqual(["subscribed 0", "comment 1"]);
});

test("a connection that the server no longer knows is replaced", async () => {
  const harness = createHarness();
  harness.client.subscribe("video:1", {});
  await settle();
  harness.model.connections.clear();
  harness.client.subscribe("video:2", {});
  await settle();
  expect(stateNames(harness).slice(-2)).toEqual(["connecting/topics-changed", "connected/opened"]);
  expect(harness.network.connects[1]?.searchParams.getAll("topic")).toEqual(["video:1", "video:2"]);
});

test("an unanswered change is retried three times, then the connection is replaced", async () => {
  const at: number[] = [];
  const harness = createHarness({
    fetch: (async () => {
      at.push(harness.clock.now());
      throw new TypeError("no network");
    }) as unknown as typeof fetch,
  });
  harness.client.subscribe("video:1", {});
  await settle();
  harness.client.subscribe("video:2", {});
  await harness.clock.advance(2000);
  expect(at.map((time) => time - (at[0] ?? 0))).toEqual([0, 100, 300, 700]);
  expect(at).toHaveLength(1 + REQUEST_RETRIES_MAX);
  expect(harness.network.connects).toHaveLength(2);
  expect(harness.client.state.name).toBe("connected");
});

test("a refused topic is reported to its subscribers, others are not affected", async () => {
  const harness = createHarness();
  harness.model.refused.set("member:bob", "forbidden");
  const allowed = record();
  const refused = record();
  harness.client.subscribe("video:1", allowed.handlers);
  await settle();
  harness.client.subscribe("member:bob", refused.handlers);
  await settle();
  comment(harness);
  expect(refused.lines).toEqual(["refused forbidden"]);
  expect(allowed.lines).toEqual(["subscribed 0", "comment 1"]);
});

test("a request to reconnect later is followed, and events still come until then", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.network.callbacks?.onMessage({
    type: "reconnect",
    data: '{"afterMs":4000}',
    lastEventId: "",
  });
  await harness.clock.advance(1000);
  comment(harness);
  harness.network.callbacks?.onEnd({ kind: "ended" });
  expect(harness.client.state).toMatchObject({
    name: "waiting",
    reason: "server-asked",
    retryInMs: 3000,
  });
  await harness.clock.advance(3000);
  expect(harness.client.state.name).toBe("connected");
  expect(lines).toEqual(["subscribed 0", "comment 1"]);
});

test("a server that closes before the first event is full, and retried later", async () => {
  const harness = createHarness({
    random: () => 1,
    transport(_request, callbacks) {
      queueMicrotask(() => {
        callbacks.onAlive();
        callbacks.onEnd({ kind: "lost", detail: "ended" });
      });
      return { seesHeartbeats: false, close() {} };
    },
  });
  harness.client.subscribe("video:1", {});
  await settle();
  expect(harness.client.state).toMatchObject({ name: "waiting", retryInMs: 8000 });
});

test("`retry:` decides the wait after a clean end", async () => {
  const harness = createHarness();
  harness.client.subscribe("video:1", {});
  await settle();
  harness.network.callbacks?.onRetry(7000);
  harness.network.callbacks?.onEnd({ kind: "ended" });
  expect(harness.client.state).toMatchObject({
    name: "waiting",
    reason: "server-asked",
    retryInMs: 7000,
  });
});

test("RETRY_ASKED_MS_MAX: a longer wait of the server is cut to it", async () => {
  for (const [askedMs, waitMs] of [
    [RETRY_ASKED_MS_MAX - 1, RETRY_ASKED_MS_MAX - 1],
    [RETRY_ASKED_MS_MAX + 1, RETRY_ASKED_MS_MAX],
  ] as const) {
    const harness = createHarness();
    harness.client.subscribe("video:1", {});
    await settle();
    harness.network.callbacks?.onRetry(askedMs);
    harness.network.callbacks?.onEnd({ kind: "ended" });
    expect(harness.client.state).toMatchObject({ name: "waiting", retryInMs: waitMs });
  }
});

test("an error in a callback stops nothing, and is not hidden", async () => {
  const uncaught: unknown[] = [];
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (run) =>
    original(() => {
      try {
        run();
      } catch (error) {
        uncaught.push(error);
      }
    });
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", {
    comment() {
      throw new Error("the application's");
    },
  });
  harness.client.subscribe("video:1", handlers);
  await settle();
  comment(harness);
  comment(harness);
  await settle();
  globalThis.queueMicrotask = original;
  expect(lines).toEqual(["subscribed 0", "comment 1", "comment 2"]);
  expect(uncaught).toHaveLength(2);
});

test("types without a callback reach onEvent, and none an inherited method", async () => {
  const harness = createHarness();
  const seen: string[] = [];
  harness.client.subscribe("video:1", {
    goal: () => void seen.push("goal"),
    onEvent: ({ type }) => void seen.push(`event ${type}`),
  });
  await settle();
  for (const type of ["goal", "constructor", "other"])
    harness.model.publish("video:1", type, {}, false);
  expect(seen).toEqual(["goal", "event goal", "event constructor", "event other"]);
});

test("the hundred-and-first topic is refused, an invalid one throws", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  for (let id = 0; id < 100; id++) harness.client.subscribe(`video:${id}`, {});
  harness.client.subscribe("video:one-too-many", handlers);
  await settle();
  expect(lines).toEqual(["refused too-many-topics"]);
  expect(() => harness.client.subscribe("no topic", {})).toThrow(TypeError);
});

test("close ends everything and leaves no timer", async () => {
  const harness = createHarness();
  const { lines, handlers } = record();
  harness.client.subscribe("video:1", handlers);
  await settle();
  harness.client.close();
  comment(harness);
  await settle();
  expect(harness.client.state).toEqual({ name: "closed", reason: "closed-by-application" });
  expect(harness.clock.pending).toBe(0);
  expect(lines).toEqual(["subscribed 0"]);
  expect(() => harness.client.subscribe("video:1", {})).toThrow("closed");
});
