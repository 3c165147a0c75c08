/**
 * Viewer counts over two data centres while parts of one die. Real processes. A frontend's death:
 * `cluster.test.ts`.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CountSource, type CountWatch, watchCounts } from "@ovation/load/harness";
import { until } from "../../testing/until.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

/**
 * Machines that are busy with other tests are slower than the promise: it is measured by `npm run
 * bench -- viewer-counts`.
 */
const PATIENCE = 3;
const RIGHT_MS = 10_000 * PATIENCE;
/** Longer than a number is valid without a new report: a wrong number shows by then. */
const EXPIRED_MS = 8000;
const VIDEO = "counted";

let cluster: LocalCluster;
let watch: CountWatch;
/** The watch has one viewer at each frontend. */
let viewerCount: number;

beforeAll(async () => {
  cluster = await startLocalCluster({
    redis: "single",
    rateLimits: "off",
    logLevel: "error",
    comments: 2,
    // The other one is learned.
    namedDispatchers: 1,
  });
  const sources = cluster.datacenters.flatMap(({ frontends, comments }): readonly CountSource[] => [
    ...frontends.map(({ name, url }) => ({ name, url, kind: "frontend" as const })),
    ...comments.map(({ name, url }) => ({ name, url, kind: "comments" as const })),
  ]);
  watch = await watchCounts(VIDEO, sources);
  viewerCount = cluster.datacenters.reduce((sum, { frontends }) => sum + frontends.length, 0);
  await until(() => watch.all(viewerCount), "all are counted, everywhere", RIGHT_MS);
}, 90_000);

afterAll(async () => {
  watch?.close();
  await cluster?.stop();
}, 30_000);

test("processes know the dispatchers that their command lines do not name", async () => {
  const known = async (url: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^ovation_known_dispatchers (\d+)/m.exec(text)?.[1]);
  };
  for (const { dispatchers, frontends, comments } of cluster.datacenters)
    for (const { name, url } of [...dispatchers, ...frontends, ...comments])
      await until(async () => (await known(url)) === dispatchers.length, name, RIGHT_MS);
}, 60_000);

function east() {
  const datacenter = cluster.datacenters[0];
  const [dispatcher, comments, redis] = [
    datacenter?.dispatchers[0],
    datacenter?.comments[0],
    datacenter?.redis.servers[0],
  ];
  if (!dispatcher || !comments || !redis) throw new Error("the cluster lacks a part");
  return { dispatcher, comments, redis };
}

/**
 * Right in the end, and in between never wrong for long; at no time is a viewer counted twice.
 * `leastEver`: the smallest number that may be shown meanwhile.
 */
async function staysRight(from: number, leastEver = 0): Promise<void> {
  await Bun.sleep(EXPIRED_MS);
  await until(() => watch.all(viewerCount), `all ${viewerCount} are counted, everywhere`, RIGHT_MS);
  for (const history of watch.histories) {
    const { wrongAtAStretchMs, most, least } = history.since(from, viewerCount);
    expect(`${history.source}: ${wrongAtAStretchMs < RIGHT_MS}, at most ${most}`).toBe(
      `${history.source}: true, at most ${viewerCount}`,
    );
    expect(`${history.source}: ${least >= leastEver}, ${least}`).toBe(
      `${history.source}: true, ${least}`,
    );
  }
}

test("a dispatcher and a comments process are killed: the others count everywhere", async () => {
  const { dispatcher, comments } = east();
  const from = performance.now();
  watch.forget(comments.name);
  await Promise.all([dispatcher.kill(), comments.kill()]);
  await staysRight(from);
  await Promise.all([dispatcher.restart(), comments.restart()]);
}, 90_000);

test("Redis is killed and comes back empty: no number falls meanwhile", async () => {
  const { redis } = east();
  const from = performance.now();
  await redis.kill();
  await Bun.sleep(500);
  await redis.restart();
  await staysRight(from, viewerCount);
}, 90_000);

test("Redis forgets everything: no number falls before all have reported", async () => {
  const { redis } = east();
  const from = performance.now();
  await redis.client.flushall();
  await staysRight(from, viewerCount);
}, 90_000);
