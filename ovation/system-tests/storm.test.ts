/** All viewers return at once: after the server was killed, and after a network failure. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { RETURN_SPREAD_MS } from "@ovation/frontend";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { percentile, Witness } from "./testing/witness.ts";

const VIEWERS = 500;
const TOPICS = ["video:one", "video:two"] as const;

let server: Server;
const published = new Map<string, number[]>(TOPICS.map((topic) => [topic, []]));

async function comment(topic: string): Promise<void> {
  const [seq] = await server.publish([
    {
      topic,
      type: "comment",
      data: { text: "a comment", author: { id: "ana", name: "Ana" } },
      durable: true,
    },
  ]);
  if (seq !== undefined) published.get(topic)?.push(seq);
}

beforeAll(async () => {
  server = await Server.start();
}, 60_000);
afterAll(() => server.stop());

test("viewers of a killed server return within the announced spread", async () => {
  // Plain EventSources: one id for both topics, and no more sense than `retry:`.
  const path = `/v1/events?topic=${TOPICS[0]}&topic=${TOPICS[1]}`;
  const viewers = Array.from(
    { length: VIEWERS },
    () => new Viewer({ port: server.port, path, returns: true }),
  );
  await until(() => viewers.every((viewer) => viewer.isConnected), "all are connected", 30_000);
  for (let count = 0; count < 10; count++) for (const topic of TOPICS) await comment(topic);
  await until(
    () => viewers.every((viewer) => viewer.of("comment").length === 20),
    "all have 20 comments",
  );
  const waits = viewers.map((viewer) => viewer.retryMs ?? 0);
  expect(Math.max(...waits)).toBeLessThanOrEqual(RETURN_SPREAD_MS);
  expect(percentile(waits, 0.9) - percentile(waits, 0.1)).toBeGreaterThan(RETURN_SPREAD_MS / 2);

  await server.kill();
  const killedAt = performance.now();
  await server.run();
  for (let count = 0; count < 10; count++) for (const topic of TOPICS) await comment(topic);
  const witness = new Witness(server, "video:witness");
  await until(
    () => viewers.every((viewer) => viewer.connected.length >= 2),
    "all are back",
    30_000,
  );
  for (const topic of TOPICS) await comment(topic);
  const last = (topic: string) => published.get(topic)?.at(-1);
  await until(
    () =>
      viewers.every((viewer) =>
        TOPICS.every((topic) => viewer.seqs(topic).includes(last(topic) ?? 0)),
      ),
    "all have the last",
  );
  for (const viewer of viewers) {
    // What was committed in the last second before the cut may come twice over a restart: by seq,
    // once.
    for (const topic of TOPICS)
      expect([...new Set(viewer.seqs(topic))]).toEqual(published.get(topic) ?? []);
    for (const { data } of viewer.of("connection"))
      for (const topic of TOPICS) expect(data.topics[topic]?.recovered).toBe(true);
  }
  const returns = viewers.map((viewer) => (viewer.connected[1] ?? 0) - killedAt);
  expect(percentile(returns, 0.95) - percentile(returns, 0.05)).toBeGreaterThan(1000);
  expect(await witness.missing()).toBe(0);
  // One read of the log for a page that hundreds need, not one for each.
  expect(await server.metric("ovation_frontend_recovery_reads_total")).toBeLessThan(VIEWERS / 5);
  for (const viewer of viewers) viewer.close();
}, 90_000);

test("a connected viewer gets events as fast while five hundred others return", async () => {
  const witness = new Witness(server, "video:calm");
  await until(() => witness.delays().length >= 15, "the witness gets events");
  const calm = percentile(witness.delays(), 0.5);
  const path = `/v1/events?topic=${TOPICS[0]}`;
  for (let round = 0; round < 3; round++) {
    const from = performance.now();
    const viewers = Array.from({ length: VIEWERS }, () => new Viewer({ port: server.port, path }));
    await until(() => viewers.every((viewer) => viewer.isConnected), "all are connected", 30_000);
    await until(() => witness.delays(from).length >= 3, "the witness gets events");
    for (const viewer of viewers) viewer.close();
  }
  await until(
    async () => (await server.metric("ovation_frontend_connections")) === 1,
    "only the witness is left",
  );
  expect(percentile(witness.delays(), 0.9)).toBeLessThan(Math.max(calm * 10, 500));
  expect(witness.viewer.gone).toEqual([]);
  expect(await witness.missing()).toBe(0);
}, 60_000);
