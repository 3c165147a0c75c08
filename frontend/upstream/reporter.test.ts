import { afterEach, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import { STATS_PATIENCE_MS } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

const video = topic("video:42");
let frontend: Frontend | undefined;
afterEach(() => frontend?.stop());

function start(): { upstream: ModelUpstream; frontend: Frontend } {
  const upstream = new ModelUpstream();
  const started = newFrontend(upstream, { reportMs: 20 });
  frontend = started;
  upstream.inboxes.push(started);
  started.start();
  return { upstream, frontend: started };
}

test("the number of viewers goes with the next event of the topic, in one write", async () => {
  const { upstream, frontend } = start();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready && upstream.calls.report > 3);
  const before = viewer.writes;
  upstream.live(video, "goal", 1);
  await until(() => viewer.of("goal").length === 1);
  expect(viewer.received.slice(-2).map(({ type }) => type)).toEqual(["goal", "stats"]);
  expect(viewer.of("stats")[0]?.data).toMatchObject({ viewers: 1 });
  expect(viewer.writes).toBe(before + 1);
});

test("is at least the number of connections here, though the table is empty", async () => {
  const { upstream, frontend } = start();
  const viewers = [new Viewer(frontend, [video]), new Viewer(frontend, [video])];
  const said = () => viewers.map((viewer) => viewer.of("stats").at(-1)?.data);
  await until(() => said().every((data) => (data as { viewers?: number })?.viewers === 2));
  const report = upstream.report.bind(upstream);
  upstream.report = async (counts, since) => ({
    ...(await report(counts, since)),
    viewers: [{ topic: video, viewers: 0 }],
  });
  const { report: before } = upstream.calls;
  // The next viewer gets the number as well.
  viewers.push(new Viewer(frontend, [video]));
  await until(() => upstream.calls.report > before + 20);
  await until(() => said().every((data) => (data as { viewers?: number })?.viewers === 3));
  for (const viewer of viewers)
    for (const { data } of viewer.of("stats")) expect(data).not.toMatchObject({ viewers: 0 });
});

test("and by itself when there is none for a while", async () => {
  const { frontend } = start();
  const viewer = new Viewer(frontend, [video]);
  const startedAt = performance.now();
  await until(() => viewer.of("stats").length === 1);
  expect(performance.now() - startedAt).toBeGreaterThan(STATS_PATIENCE_MS - 100);
});
