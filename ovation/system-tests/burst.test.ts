/** More than a topic can pass on at once, over HTTP: what a viewer does not get, it is told of. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

const TOPIC = "video:burst";
const PUBLISHERS = 4;
const EVENTS_EACH = 10_000;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.stop());

test("of four parallel requests of 10,000 events, received ones and gaps are all", async () => {
  const viewers = Array.from(
    { length: 2 },
    () => new Viewer({ port: server.port, path: `/v1/events?topic=${TOPIC}` }),
  );
  await until(() => viewers.every(({ isConnected }) => isConnected), "the viewers are there");
  const events = Array.from({ length: EVENTS_EACH }, (_, number) => ({
    topic: TOPIC,
    type: "goal",
    data: number,
  }));
  await Promise.all(Array.from({ length: PUBLISHERS }, () => server.publish(events)));
  const account = (viewer: Viewer) => {
    const lost = viewer.of("gap").reduce((sum, { data }) => sum + data.lost, 0);
    return viewer.of("goal").length + lost;
  };
  await until(
    () => viewers.every((viewer) => account(viewer) >= PUBLISHERS * EVENTS_EACH),
    "all are accounted for",
    20_000,
  );
  for (const viewer of viewers) expect(account(viewer)).toBe(PUBLISHERS * EVENTS_EACH);
  const gaps = viewers[0]?.of("gap") ?? [];
  expect(await server.metric("ovation_frontend_dropped_events_total", { lane: "live" })).toBe(
    gaps.filter(({ data }) => data.reason === "busy").reduce((sum, { data }) => sum + data.lost, 0),
  );
  for (const viewer of viewers) viewer.close();
}, 60_000);
