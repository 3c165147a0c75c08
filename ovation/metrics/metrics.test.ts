/** `/metrics` of a process: the balance of each hop, by lane. */

import { expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

test("what is published, dispatched and written is counted by lane at every hop", async () => {
  const server = await Server.start();
  const viewers = [1, 2].map(
    () => new Viewer({ port: server.port, path: "/v1/events?topic=video:lanes" }),
  );
  await until(() => viewers.every((viewer) => viewer.isConnected), "connected");
  const hops = {
    published: "ovation_dispatcher_published_events_total",
    dispatched: "ovation_dispatcher_dispatched_events_total",
    arrived: "ovation_frontend_dispatched_events_total",
    written: "ovation_frontend_written_events_total",
  };
  const read = async (lane: string) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(hops).map(async ([hop, name]) => [hop, await server.metric(name, { lane })]),
      ),
    );
  const before = { live: await read("live"), durable: await read("durable") };
  const topic = "video:lanes";
  await server.publish([
    { topic, type: "goal", data: 1 },
    { topic, type: "goal", data: 2 },
    { topic, type: "goal", data: 3 },
    { topic, type: "score", data: 1, durable: true },
  ]);
  await server.publish([{ topic: "video:unwatched", type: "goal", data: 1 }]);
  await until(
    () =>
      viewers.every((viewer) => viewer.of("goal").length === 3 && viewer.of("score").length === 1),
    "all received",
  );
  const grown = async (lane: "live" | "durable") => {
    const after = await read(lane);
    return Object.fromEntries(
      Object.keys(hops).map((hop) => [hop, after[hop] - before[lane][hop]]),
    );
  };
  expect(await grown("durable")).toEqual({ published: 1, dispatched: 1, arrived: 1, written: 2 });
  const live = await grown("live");
  // Viewer counts are written too, and no publisher publishes them.
  expect(live).toMatchObject({ published: 4, dispatched: 3, arrived: 3 });
  expect(live["written"]).toBeGreaterThanOrEqual(6);
  expect(
    await server.metric("ovation_dispatcher_unsubscribed_events_total", { lane: "live" }),
  ).toBe(1);
  for (const viewer of viewers) viewer.close();
  await server.stop();
}, 30_000);
