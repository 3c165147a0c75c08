/** How many topics clients may hold and how fast they may change them. */

import { describe, expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import { createManualClock } from "../testing/manual-clock.ts";
import { DEFAULT_CHANGES, OPEN_CHANGES } from "./change-rates.ts";
import type { FrontendOptions } from "./frontend-options.ts";
import {
  CHANGE_REQUESTS_PER_ADDRESS_MAX,
  CHANGE_WINDOW_MS,
  LINGER_MS,
  LINGER_STEP_MS,
  TOPIC_CHANGES_PER_ADDRESS_MAX,
  TOPIC_CHANGES_PER_CONNECTION_MAX,
  TOPICS_PER_ADDRESS_MAX,
  TOPICS_PER_PROCESS_MAX,
  YOUNG_MS,
} from "./limits.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";
import { DEFAULT_TOPICS } from "./topic-shares.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
let made = 0;
const fresh = (count: number): readonly Topic[] =>
  Array.from({ length: count }, () => topic(`video:fresh${++made}`));

async function newCase(options: Partial<FrontendOptions> = {}) {
  const clock = createManualClock(CHANGE_WINDOW_MS * 20_000);
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream, { clock, elapsed: () => clock.now(), ...options });
  await clock.advance(50);
  const open = async (topics: readonly Topic[], address: string) => {
    const viewer = new Viewer(frontend, topics, { address });
    await clock.advance(10);
    return viewer;
  };
  return {
    clock,
    upstream,
    frontend,
    open,
    async change(viewer: Viewer, add: readonly Topic[], remove: readonly Topic[] = []) {
      const changed = frontend.changeHere({
        connection: viewer.connection.id,
        add,
        remove,
        sub: "",
      });
      await clock.advance(10);
      return changed;
    },
  };
}

describe("the defaults", () => {
  test("are the constants", () => {
    expect(DEFAULT_CHANGES).toEqual({
      perConnection: TOPIC_CHANGES_PER_CONNECTION_MAX,
      perAddress: TOPIC_CHANGES_PER_ADDRESS_MAX,
      requestsPerAddress: CHANGE_REQUESTS_PER_ADDRESS_MAX,
    });
    expect(DEFAULT_TOPICS).toEqual({
      perAddress: TOPICS_PER_ADDRESS_MAX,
      perProcess: TOPICS_PER_PROCESS_MAX,
    });
  });

  test("TOPIC_CHANGES_PER_CONNECTION_MAX, and one topic more is refused", async () => {
    const { open, change } = await newCase();
    const viewer = await open([video], "10.0.0.1");
    const topics = fresh(50);
    for (let changes = 0; changes < TOPIC_CHANGES_PER_CONNECTION_MAX; changes += 100) {
      expect(await change(viewer, topics)).toMatchObject({ ok: true });
      expect(await change(viewer, [], topics)).toMatchObject({ ok: true });
    }
    expect(await change(viewer, fresh(1))).toMatchObject({ ok: false, error: "rate-limited" });
  });

  test("CHANGE_REQUESTS_PER_ADDRESS_MAX, and one request more is refused", async () => {
    const { frontend } = await newCase();
    for (let count = 0; count < CHANGE_REQUESTS_PER_ADDRESS_MAX; count++)
      frontend.takeChangeRequest("10.0.0.1");
    expect(() => frontend.takeChangeRequest("10.0.0.1")).toThrow("too many changes");
    expect(() => frontend.takeChangeRequest("10.0.0.2")).not.toThrow();
  });

  test("TOPICS_PER_ADDRESS_MAX, and one topic more is refused", async () => {
    const { open } = await newCase();
    for (let topics = 0; topics < TOPICS_PER_ADDRESS_MAX; topics += 100)
      expect((await open(fresh(100), "10.0.0.1")).ended).toBe(false);
    expect((await open(fresh(1), "10.0.0.1")).ended).toBe(true);
    expect((await open(fresh(1), "10.0.0.2")).ended).toBe(false);
  });
});

describe("changes of topics", () => {
  test("of one connection have a rate; a request beyond changes nothing", async () => {
    const { clock, open, change, frontend } = await newCase({
      changes: { ...DEFAULT_CHANGES, perConnection: 250 },
    });
    const viewer = await open([video], "10.0.0.1");
    const [first, second, third] = [fresh(99), fresh(99), fresh(99)];
    expect(await change(viewer, first)).toMatchObject({ ok: true });
    expect(await change(viewer, [], first)).toMatchObject({ ok: true });
    const before = frontend.hub.channels.size;
    const refused = await change(viewer, second);
    expect(refused).toMatchObject({ ok: false, error: "rate-limited" });
    const { retryAfterMs } = refused as { readonly retryAfterMs: number };
    expect(retryAfterMs).toBeLessThanOrEqual(CHANGE_WINDOW_MS);
    expect([frontend.hub.channels.size, viewer.connection.subscriptions.length]).toEqual([
      before,
      1,
    ]);
    // What it has already costs nothing: a client may ask for its heads.
    expect(await change(viewer, [video])).toMatchObject({ ok: true });
    await clock.advance(retryAfterMs);
    expect(await change(viewer, third)).toMatchObject({ ok: true });
  });

  test("of all connections of one address have a rate, connects with new topics too", async () => {
    const { open, change, frontend } = await newCase({
      changes: { ...DEFAULT_CHANGES, perAddress: 150 },
    });
    const viewer = await open([video], "10.0.0.1");
    expect(await change(viewer, fresh(99))).toMatchObject({ ok: true });
    const refused = await open(fresh(99), "10.0.0.1");
    expect(refused.ended).toBe(true);
    expect(refused.of("reconnect")[0]?.data).toMatchObject({ reason: "refused" });
    expect(frontend.counters.closes["refused"]).toBe(1);
    expect((await open([video], "10.0.0.1")).connection.ready).toBe(true);
    expect((await open(fresh(99), "10.0.0.2")).connection.ready).toBe(true);
  });

  test("of a loop of PUT and DELETE leave nothing behind a moment later", async () => {
    const { clock, open, change, frontend, upstream } = await newCase({ changes: OPEN_CHANGES });
    const viewer = await open([video], "10.0.0.1");
    await clock.advance(YOUNG_MS * 3);
    const timers = clock.pending;
    for (let round = 0; round < 50; round++) {
      const topics = fresh(90);
      await change(viewer, topics);
      await change(viewer, [], topics);
    }
    await clock.advance(YOUNG_MS + LINGER_STEP_MS);
    expect([...frontend.hub.channels.keys()]).toEqual([video]);
    expect(upstream.subscribed.size).toBeLessThan(3);
    expect(clock.pending - timers).toBeLessThan(3);
  });

  test("that name connections of other frontends, or none, have a rate per address", async () => {
    const { frontend } = await newCase({
      changes: { ...DEFAULT_CHANGES, requestsPerAddress: 3 },
    });
    const take = (address: string) => () => frontend.takeChangeRequest(address);
    for (let count = 0; count < 3; count++) take("10.0.0.1")();
    expect(take("10.0.0.1")).toThrow("too many changes");
    expect(take("10.0.0.2")).not.toThrow();
  });
});

describe("topics", () => {
  const limits = { perAddress: 100, perProcess: 250 };

  test("of one address are bounded over its connections, at connect and change", async () => {
    const { open, change } = await newCase({ topics: limits });
    const viewer = await open(fresh(60), "10.0.0.1");
    expect((await open(fresh(41), "10.0.0.1")).ended).toBe(true);
    expect((await open(fresh(39), "10.0.0.1")).ended).toBe(false);
    expect(await change(viewer, fresh(2))).toMatchObject({
      ok: false,
      error: "topics-exhausted",
    });
    expect(await change(viewer, fresh(1))).toMatchObject({ ok: true });
    expect((await open(fresh(100), "10.0.0.2")).ended).toBe(false);
  });

  test("count for one address at a time, of those that have them", async () => {
    const { clock, open, frontend } = await newCase({ topics: limits });
    const shares = () => ["10.0.0.1", "10.0.0.2"].map((address) => frontend.topicsOf(address));
    const topics = fresh(10);
    const first = await open(topics, "10.0.0.1");
    expect(shares()).toEqual([10, 0]);
    const second = await open(topics, "10.0.0.2");
    const again = await open(topics, "10.0.0.1");
    expect(shares()).toEqual([10, 0]);
    frontend.closed(first.connection, "left");
    frontend.closed(again.connection, "left");
    expect(shares()).toEqual([0, 10]);
    frontend.closed(second.connection, "left");
    expect(shares()).toEqual([0, 10]);
    const back = await open(topics, "10.0.0.1");
    expect(shares()).toEqual([10, 0]);
    frontend.closed(back.connection, "left");
    await clock.advance(LINGER_MS + LINGER_STEP_MS);
    expect(shares()).toEqual([0, 0]);
  });

  test("of a full process: idle ones go first, then the heaviest address's", async () => {
    const { open, frontend } = await newCase({ topics: { ...limits, perAddress: 200 } });
    const heavy = [await open(fresh(90), "10.0.0.1"), await open(fresh(90), "10.0.0.1")];
    const light = await open(fresh(20), "10.0.0.2");
    const gone = await open(fresh(40), "10.0.0.3");
    frontend.closed(gone.connection, "left");
    expect((await open(fresh(45), "10.0.0.4")).ended).toBe(false);
    expect([...heavy, light].map(({ ended }) => ended)).toEqual([false, false, false]);
    expect((await open(fresh(50), "10.0.0.5")).ended).toBe(false);
    expect(heavy.filter(({ ended }) => ended).length).toBe(1);
    expect([light.ended, frontend.counters.closes["evicted"]]).toEqual([false, 1]);
    expect(frontend.hub.channels.size).toBeLessThanOrEqual(250);
    // The heaviest itself gets no more by it.
    expect((await open(fresh(99), "10.0.0.1")).ended).toBe(true);
  });
});
