/**
 * Frontends are killed and their viewers are back elsewhere within a second: what is shown as their
 * number. Real processes.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CountSource, type CountWatch, openStream, watchCounts } from "@ovation/load/harness";
import { until } from "../../testing/until.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

const VIDEO = "counted";
const VIEWERS = 60;
const RETURN_MS_MAX = 1000;
/**
 * Those who are back before the dispatchers have seen that the frontend is gone (0.1 s) are counted
 * twice until the next report.
 */
const EARLY_MAX = 6;
/** Longer than every number in the stores lasts: what is going to be wrong is wrong then. */
const WATCHED_MS = 8000;
/** Machines that are busy with other tests are slower. */
const SETTLED_MS = 20_000;

let cluster: LocalCluster;
let watch: CountWatch;
let isOver = false;

beforeAll(async () => {
  cluster = await startLocalCluster({
    ...({ redis: "single", rateLimits: "off", logLevel: "error" } as const),
    datacenters: ["east"],
    frontends: 3,
  });
}, 90_000);

afterAll(async () => {
  isOver = true;
  watch?.close();
  await cluster?.stop();
}, 30_000);

function east() {
  const [datacenter] = cluster.datacenters;
  const [frontend, ...doomed] = datacenter?.frontends ?? [];
  const comments = datacenter?.comments[0];
  if (!frontend || doomed.length !== 2 || !comments) throw new Error("the cluster lacks a part");
  return { frontend, doomed, comments };
}

/** A viewer at `first`, which comes to `then` within a second when its stream ends. */
async function openViewer(first: string, then: string): Promise<void> {
  const topics = [`video:${VIDEO}`];
  let stream = await openStream(first, topics, () => undefined);
  void (async () => {
    while (!isOver) {
      await Bun.sleep(10);
      if (!stream.ended) continue;
      await Bun.sleep(Math.random() * RETURN_MS_MAX);
      if (!isOver) stream = await openStream(then, topics, () => undefined);
    }
    stream.close();
  })();
}

test("no viewer is counted twice when two of three frontends are killed", async () => {
  const { frontend, doomed, comments } = east();
  const sources: readonly CountSource[] = [
    { name: frontend.name, url: frontend.url, kind: "frontend" },
    { name: comments.name, url: comments.url, kind: "comments" },
  ];
  const urls = [frontend, ...doomed].map(({ url }) => url);
  // The watch has a viewer at the frontend that lives.
  await Promise.all(
    Array.from({ length: VIEWERS - 1 }, (_, index) =>
      openViewer(urls[index % urls.length] ?? "", frontend.url),
    ),
  );
  watch = await watchCounts(VIDEO, sources);
  await until(() => watch.all(VIEWERS), "all are counted", SETTLED_MS);
  const from = performance.now();
  await Promise.all(doomed.map((one) => one.kill()));
  await Bun.sleep(WATCHED_MS);
  await until(() => watch.all(VIEWERS), "all are counted again", SETTLED_MS);
  for (const history of watch.histories) {
    const { most } = history.since(from, VIEWERS);
    expect(`${history.source}: ${most}, ${most <= VIEWERS + EARLY_MAX}`).toBe(
      `${history.source}: ${most}, true`,
    );
  }
}, 90_000);
