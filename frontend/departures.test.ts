/** Clients that were closed because they did not read: the `gap` at their return. */

import { describe, expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { until } from "../testing/until.ts";
import { Connection } from "./connections/connection.ts";
import { Departures } from "./departures.ts";
import { DEPARTED_CLIENTS_MAX, DEPARTED_TOPICS_PER_CLIENT_MAX, DEPARTURE_MS } from "./limits.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const other = topic("video:43");
const large = "g".repeat(4096);

/** A viewer of `topics` that stops reading and is closed as stuck; another one stays. */
async function closeStuck(topics: readonly (typeof video)[], address = "127.0.0.1") {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  const fast = new Viewer(frontend, [video, other]);
  const slow = new Viewer(frontend, topics, { address });
  await until(() => slow.connection.ready && fast.connection.ready, "both are open");
  let sent = 0;
  const goals = async (count: number) => {
    for (let number = 0; number < count; number++) {
      upstream.live(video, "goal", large);
      sent++;
      await until(() => fast.of("goal").length === sent, "the goal arrives");
    }
  };
  await goals(5);
  await until(() => slow.of("goal").length === 5, "the slow one has them");
  slow.stall();
  await goals(1);
  // More than the ring holds.
  await goals(300);
  frontend.end(slow.connection, "stuck");
  await goals(10);
  return {
    upstream,
    frontend,
    fast,
    slow,
    goals,
    sent: () => sent,
  };
}

describe("a viewer that was closed as stuck", () => {
  test("is told at its return to this frontend how many live events it missed", async () => {
    const { frontend, slow, sent } = await closeStuck([video]);
    const received = slow.of("goal").length;
    const back = new Viewer(frontend, [video], { lastEventId: slow.lastEventId });
    await until(() => back.connection.ready, "it is back");
    const [gap] = back.of("gap");
    expect(gap?.fields).toMatchObject({ lost: sent() - received, reason: "slow" });
    expect(back.received.map(({ type }) => type).slice(0, 2)).toEqual(["connection", "gap"]);
  });

  test("is told of what was in its buffers when it was cut", async () => {
    const { frontend, slow, sent } = await closeStuck([video, other]);
    // It received the third goal, and nothing of what was written after that.
    const { id } = slow.of("goal")[2] ?? { id: "" };
    const back = new Viewer(frontend, [video, other], { lastEventId: id });
    await until(() => back.connection.ready, "it is back");
    expect(back.of("gap").map(({ fields }) => fields.lost)).toEqual([sent() - 3]);
    expect(back.of("gap")[0]?.topic).toBe(video);
  });

  test("is told again until it has received something", async () => {
    const { frontend, slow, sent, goals } = await closeStuck([video]);
    const received = slow.of("goal").length;
    const lost = async (lastEventId: string) => {
      const back = new Viewer(frontend, [video], { lastEventId });
      await until(() => back.connection.ready, "it is back");
      return { back, lost: back.of("gap").map(({ fields }) => fields.lost) };
    };
    expect((await lost(slow.lastEventId)).lost).toEqual([sent() - received]);
    await goals(3);
    const again = await lost(slow.lastEventId);
    expect(again.lost).toEqual([sent() - received]);
    await goals(2);
    await until(() => again.back.of("goal").length === 2, "it has the next goals");
    expect((await lost(again.back.lastEventId)).lost).toEqual([]);
  });

  test("is told at least the loss while it was connected where the topic was quiet", async () => {
    const { upstream, frontend, slow } = await closeStuck([video]);
    const channel = frontend.hub.channel(video);
    await until(() => {
      channel?.releaseIdle(Number.POSITIVE_INFINITY);
      return channel?.buffer === undefined;
    }, "nothing waits");
    upstream.live(video, "goal", 1);
    const back = new Viewer(frontend, [video], { lastEventId: slow.lastEventId });
    await until(() => back.connection.ready, "it is back");
    expect(back.of("gap").map(({ fields }) => fields.lost)).toEqual([300]);
  });

  test("alone is told: no other address or frontend, no client that was away", async () => {
    const { upstream, frontend, fast, slow } = await closeStuck([video], "10.0.0.1");
    const own = { lastEventId: slow.lastEventId, address: "10.0.0.1" };
    const elsewhere = startFrontend(upstream, { name: "frontend2" });
    const others = [
      new Viewer(frontend, [video], { ...own, address: "10.0.0.2" }),
      new Viewer(frontend, [video], { ...own, lastEventId: fast.lastEventId }),
      new Viewer(elsewhere, [video], own),
    ];
    await until(() => others.every(({ connection }) => connection.ready), "all are open");
    for (const viewer of others) expect(viewer.of("gap")).toEqual([]);
  });

  test("a connection that kept up leaves nothing behind", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const [viewer, fast] = [new Viewer(frontend, [video]), new Viewer(frontend, [video])];
    await until(() => viewer.connection.ready && fast.connection.ready, "both are open");
    upstream.live(video, "goal", 1);
    await until(() => viewer.of("goal").length === 1, "the goal arrives");
    frontend.end(viewer.connection, "lifetime");
    upstream.live(video, "goal", 2);
    await until(() => fast.of("goal").length === 2, "the next goal arrives");
    const back = new Viewer(frontend, [video], { lastEventId: viewer.lastEventId });
    await until(() => back.connection.ready, "it is back");
    expect(back.of("gap")).toEqual([]);
  });
});

describe("what is remembered of them is bounded", () => {
  function open() {
    const clock = createManualClock();
    const departures = new Departures(clock);
    const buffer = { liveEvents: 9, liveAt: () => 2 };
    const point = { stamp: 1, frontend: "frontend1" as never, order: 3 };
    const connectionOf = (address: string) =>
      new Connection({
        ...({ id: "c" as never, identity: undefined } as const),
        form: 0 as never,
        address,
        endsAt: 0,
      });
    const channelOf = (name: string) => ({ topic: topic(name), buffer }) as never;
    const note = (address: string, names: readonly string[]) => {
      const connection = connectionOf(address);
      connection.subscriptions = names.map(
        (name) => ({ connection, channel: channelOf(name) }) as never,
      );
      const lag = {
        liveEvents: 4,
        order: 7,
        at: 1,
        position: { seq: 0, epoch: "" },
        sums: new Map(),
      };
      connection.lags = new Map(connection.subscriptions.map((one) => [one, lag]));
      departures.note(connection);
    };
    const lost = (address: string, name: string) =>
      departures.missed(connectionOf(address), channelOf(name), point)?.lost;
    return { clock, departures, note, lost };
  }

  test("DEPARTED_CLIENTS_MAX, DEPARTED_TOPICS_PER_CLIENT_MAX: the oldest are evicted", () => {
    const { departures, note, lost } = open();
    const names = Array.from(
      { length: DEPARTED_TOPICS_PER_CLIENT_MAX + 1 },
      (_, id) => `video:${id}`,
    );
    note("a", names);
    expect([lost("a", "video:0"), lost("a", "video:1"), lost("a", names.at(-1) ?? "")]).toEqual([
      ...[undefined, 7, 7],
    ]);
    for (let client = 0; client < DEPARTED_CLIENTS_MAX; client++) note(`b${client}`, ["video:1"]);
    expect(departures.size).toBe(DEPARTED_CLIENTS_MAX);
    expect([lost("a", "video:1"), lost("b0", "video:1")]).toEqual([undefined, 7]);
  });

  test("DEPARTURE_MS: a client is forgotten after that", async () => {
    const { clock, departures, note, lost } = open();
    note("a", ["video:1"]);
    await clock.advance(DEPARTURE_MS - 1);
    expect(lost("a", "video:1")).toBe(7);
    await clock.advance(1);
    expect([lost("a", "video:1"), departures.size]).toEqual([undefined, 0]);
  });
});
