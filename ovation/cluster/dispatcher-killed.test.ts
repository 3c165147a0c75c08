/**
 * A dispatcher is killed while 5,000 events a second are published through two: what became of each
 * of them. Real processes.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  balance,
  movedAfterMs,
  openWitness,
  readMetrics,
  runFailoverPublishers,
  wallClock,
  whenQuiet,
} from "@ovation/load/harness";
import { until } from "../../testing/until.ts";
import { signToken } from "../tokens/mod.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

/**
 * Machines that are busy with other tests are slower than the promise: it is measured by `npm run
 * bench -- dispatcher-killed`.
 */
const PATIENCE = 3;
const MOVED_MS = 1000 * PATIENCE;
/** Longer than the repair of a lost last event takes. */
const QUIET_MS = 2500;
/**
 * What a dispatcher has in its hands is what came to it just now: here with all processes and the
 * viewers on the same cores.
 */
const IN_FLIGHT_MS = 1000 * PATIENCE;

const TOPICS = Array.from({ length: 8 }, (_, index) => `video:killed-${index}`);
const CLIENTS = 64;
const SECONDS = 4;
const TOKEN_SECONDS = 600;

let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await startLocalCluster({
    datacenters: ["east"],
    comments: 0,
    redis: "single",
    rateLimits: "off",
    logLevel: "error",
  });
}, 60_000);

afterAll(() => cluster.stop(), 30_000);

test("the other one takes over; only live events in flight in the dead one are lost", async () => {
  const [east] = cluster.datacenters;
  const [dead, left] = east?.dispatchers ?? [];
  if (east === undefined || dead === undefined || left === undefined)
    throw new Error("the cluster lacks a dispatcher");
  const frontends = east.frontends.map(({ url }) => url);
  const token = await signToken(
    cluster.secret,
    { sub: "server", name: "Server", publish: ["*"] },
    TOKEN_SECONDS,
  );
  const witnesses = await Promise.all(frontends.map((url) => openWitness(url, TOPICS)));
  // So many durable ones that some are committed and not yet dispatched when it dies.
  const task = {
    urls: [dead.url, left.url],
    token,
    topics: TOPICS,
    clients: CLIENTS,
    rate: 5000,
    seconds: SECONDS,
    durableEvery: 3,
  };
  const publishing = runFailoverPublishers(task);
  await Bun.sleep((SECONDS * 1000) / 2);
  const killedAt = wallClock();
  await dead.kill();
  const published = await publishing;
  await whenQuiet(witnesses, QUIET_MS);

  const { live, durable, announced, phantoms } = balance(published, witnesses);
  expect({ ...durable, lost: durable.lost.length }).toMatchObject({
    lost: 0,
    unanswered: 0,
    refused: 0,
    twice: 0,
    disordered: 0,
  });
  expect(live).toMatchObject({ refused: 0, twice: 0, disordered: 0 });
  expect(phantoms).toBe(0);
  expect(live.acknowledged).toBeGreaterThan(CLIENTS * SECONDS);

  // Each publisher had at most one request in flight, and records that no response came.
  const unanswered = published.filter(({ outcome }) => outcome === "unanswered");
  expect(unanswered.length).toBeLessThanOrEqual(CLIENTS / 2);
  expect(unanswered.filter(({ dispatcher }) => dispatcher !== 0).length).toBe(0);
  // Acknowledged and lost: only what the dead one had just taken. Of the other's, nothing that a
  // viewer was not told of.
  const lostByOther = live.lost.filter(({ dispatcher }) => dispatcher !== 0);
  expect(lostByOther.length).toBeLessThanOrEqual(announced);
  const old = live.lost.filter(
    ({ dispatcher, endedAt }) => dispatcher === 0 && endedAt < killedAt - IN_FLIGHT_MS,
  );
  expect(old.length).toBeLessThanOrEqual(announced);

  expect(movedAfterMs(published, 0, killedAt)).toBeLessThan(MOVED_MS);
  const metrics = await readMetrics(frontends);
  expect(metrics("ovation_frontend_links_broken_total")).toBe(frontends.length);

  // It comes back to work as if nothing had been.
  await dead.restart();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ topic: TOPICS[0], type: "goal", data: { id: "afterwards" } });
  expect((await fetch(`${dead.url}/v1/publish`, { method: "POST", headers, body })).status).toBe(
    202,
  );
  await until(
    () => witnesses.every(({ seen }) => seen.some(({ id }) => id === "afterwards")),
    "an event through the one that is back arrives everywhere",
    5000 * PATIENCE,
  );
  for (const witness of witnesses) witness.close();
}, 60_000);
