/**
 * What a cluster does when Redis or PostgreSQL forget, go away, or are not there yet. Real servers.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { startProcess } from "./cluster-process.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { type Crowd, createCrowd, ownTopic } from "./testing/crowd.ts";
import { healthOf } from "./testing/health.ts";

/** Machines that are busy with other tests are slower than the promise. */
const PATIENCE = 3;
const ROWS_BACK_MS = 3000 * PATIENCE;

let cluster: LocalCluster;
let crowd: Crowd;

beforeAll(async () => {
  const options = { redis: "single", rateLimits: "off", logLevel: "error" } as const;
  cluster = await startLocalCluster({ ...options, datacenters: ["east"], dispatchers: 1 });
}, 60_000);

afterEach(() => crowd?.close());

afterAll(() => cluster.stop(), 30_000);

function parts() {
  const [east] = cluster.datacenters;
  const [dispatcher, frontend, other, comments] = [
    east?.dispatchers[0],
    east?.frontends[0],
    east?.frontends[1],
    east?.comments[0],
  ];
  const redis = east?.redis.servers[0];
  if (!dispatcher || !frontend || !other || !comments || !redis)
    throw new Error("the cluster lacks a part");
  return { dispatcher, frontend, other, comments, redis };
}

/** Whether a live event that is published now reaches all viewers. */
async function isLive(topic: ReturnType<typeof ownTopic>): Promise<boolean> {
  const before = crowd.recorder.counts.deliveries;
  const { status } = await crowd.publish(parts().dispatcher.url, topic, false);
  await Bun.sleep(100);
  return status === 202 && crowd.recorder.counts.deliveries - before >= crowd.viewers.length;
}

test("Redis is emptied, or restarts empty: all rows are back within three seconds", async () => {
  const { redis, frontend, other } = parts();
  const topic = ownTopic();
  crowd = await createCrowd(cluster);
  for (const { url } of [frontend, other]) crowd.watch("sdk", url, [topic]);
  await until(() => isLive(topic), "live events arrive", 20_000);
  await redis.client.flushall();
  await until(() => isLive(topic), "live events arrive again after FLUSHALL", ROWS_BACK_MS);
  await redis.kill();
  await redis.restart();
  await until(() => isLive(topic), "live events arrive again after a restart", ROWS_BACK_MS);
}, 60_000);

test("Redis is away: live events are refused, the repair lane delivers comments", async () => {
  const { redis, dispatcher, frontend, other, comments } = parts();
  const topic = ownTopic();
  crowd = await createCrowd(cluster);
  for (const { url } of [frontend, other]) crowd.watch("sdk", url, [topic]);
  await until(() => isLive(topic), "live events arrive", 20_000);
  await redis.kill();
  await until(
    async () => {
      const [one, two] = await Promise.all([healthOf(dispatcher.url), healthOf(comments.url)]);
      return (
        one.status === 503 && one.text.includes("subscription table") && two.answer === "degraded"
      );
    },
    "the dispatcher says that it is not ready, comments that it does with less",
    10_000 * PATIENCE,
  );
  expect(await healthOf(dispatcher.url)).toMatchObject({
    alive: true,
    answer: "not ready",
    up: { table: 0, database: 1 },
  });
  expect(await healthOf(comments.url)).toMatchObject({
    alive: true,
    status: 200,
    up: { table: 0, database: 1 },
  });
  const live = await crowd.publish(dispatcher.url, topic, false);
  expect(live).toMatchObject({
    status: 503,
    body: { code: "unavailable", retryAfterMs: 1000, detail: expect.stringContaining("table") },
  });
  const stored = await crowd.comment(comments.url, topic);
  expect(stored.status).toBe(201);
  // A new viewer sees the page and the video, only without a count.
  const id = topic.slice("video:".length);
  for (const path of [`/watch/${id}`, `/v1/videos/${id}`, "/v1/videos"]) {
    expect(`${path} ${(await fetch(comments.url + path)).status}`).toBe(`${path} 200`);
  }
  await crowd.allHave(topic, Number(stored.body["seq"]), 2500 * PATIENCE);
  await redis.restart();
  await until(() => isLive(topic), "live events arrive again", ROWS_BACK_MS);
  for (const { url } of [dispatcher, comments]) {
    await until(
      async () => (await healthOf(url)).answer === "ready",
      "both say that all is well",
      ROWS_BACK_MS,
    );
    expect(await healthOf(url)).toMatchObject({ status: 200, up: { table: 1, database: 1 } });
  }
  expect(await crowd.verdict()).toEqual([]);
}, 60_000);

test("PostgreSQL is away at the start: the roles wait; later: 503 until it responds", async () => {
  const { frontend, other, comments, dispatcher } = parts();
  const topic = ownTopic();
  crowd = await createCrowd(cluster);
  for (const { url } of [frontend, other]) crowd.watch("sdk", url, [topic]);
  await until(() => isLive(topic), "live events arrive", 20_000);
  const like = async () => {
    const body = JSON.stringify({ kind: "like", count: 1 });
    const headers = { "content-type": "application/json" };
    const sentAt = crowd.recorder.now();
    const address = `${comments.url}/v1/videos/${topic.slice("video:".length)}/likes`;
    const { status } = await fetch(address, { method: "POST", headers, body });
    crowd.recorder.like({
      process: "comments",
      topic,
      count: 1,
      sentAt,
      endedAt: crowd.recorder.now(),
      outcome: status === 202 ? "acknowledged" : "refused",
    });
    return status;
  };
  expect(await like()).toBe(202);
  // It is stored: an older one that is not would have further ones refused after two seconds.
  await Bun.sleep(1_500);
  await cluster.postgres.halt("immediate");
  const lines: string[] = [];
  const early = await startProcess(
    {
      name: "early",
      role: "comments",
      flags: [
        "--dispatcher",
        dispatcher.internalUrl,
        "--database",
        cluster.postgres.url,
        "--log-level",
        "info",
      ],
      environment: {
        OVATION_SECRET: cluster.secret,
        OVATION_INTERNAL_SECRET: "the-secret-of-this-test",
      },
      internal: false,
      onLine: (line) => lines.push(line),
    },
    "at-once",
  );
  await until(
    () => lines.some((line) => line.includes("not reached yet")),
    "it says that it waits",
    20_000,
  );
  expect(await statusOf(`${early.url}/readyz`)).not.toBe(200);
  // No process waits for the database: live events continue.
  expect(await isLive(topic)).toBe(true);
  expect(await like()).toBe(202);
  const refused = await crowd.publish(dispatcher.url, topic, true);
  expect(refused).toMatchObject({
    status: 503,
    body: { code: "unavailable", detail: expect.stringContaining("nothing was stored") },
  });
  // All processes share the database: degraded ones stay in rotation.
  for (const { url } of [dispatcher, comments]) {
    await until(
      async () => (await healthOf(url)).answer === "degraded",
      "it says that it does with less",
      10_000 * PATIENCE,
    );
    const health = await healthOf(url);
    expect(health).toMatchObject({ status: 200, alive: true, up: { database: 0 } });
    expect(health.text).toContain("the database is away");
  }
  await cluster.postgres.resume();
  await early.ready();
  for (const { url } of [dispatcher, comments]) {
    await until(
      async () => (await healthOf(url)).answer === "ready",
      "it says that all is well",
      10_000 * PATIENCE,
    );
  }
  const stored = await crowd.comment(comments.url, topic);
  expect(stored.status).toBe(201);
  await crowd.allHave(topic, Number(stored.body["seq"]), 5000 * PATIENCE);
  expect(await crowd.verdict()).toEqual([]);
  expect(await early.stop()).toBe(0);
}, 60_000);

test("a frontend that was paused beyond its lease gets its rows and viewers back", async () => {
  const { redis, dispatcher, frontend, other, comments } = parts();
  const topic = ownTopic();
  const rows = () => redis.client.hkeys(`o:t:${topic}`);
  const leases = () => redis.client.hkeys("o:{frontends}:leases");
  crowd = await createCrowd(cluster);
  crowd.watch("sdk", other.url, [topic]);
  await until(async () => (await rows()).length === 1, "the running one has its row", 20_000);
  const [steady] = await rows();
  for (const form of ["sdk", "plain"] as const) crowd.watch(form, frontend.url, [topic]);
  await until(() => isLive(topic), "live events arrive", 20_000);
  const [paused] = (await rows()).filter((id) => id !== steady);
  frontend.pause();
  // The frontend receives these subscriptions after its lease has ended: no lookup finds it.
  const added = ownTopic();
  crowd.watch("plain", frontend.url, [topic, added]);
  let newest = 0;
  await until(
    async () => {
      newest = Number((await crowd.comment(comments.url, topic)).body["seq"]);
      await crowd.publish(dispatcher.url, topic, false);
      await Bun.sleep(200);
      return !(await leases()).includes(`${paused}`) && `${await rows()}` === `${steady}`;
    },
    "its lease has ended and its row is swept",
    10_000 * PATIENCE,
  );
  frontend.resume();
  await until(
    async () => {
      return (
        (await leases()).includes(`${paused}`) &&
        (await rows()).length === 2 &&
        (await redis.client.exists(`o:t:${added}`)) === 1
      );
    },
    "it has a lease and its rows again",
    ROWS_BACK_MS,
  );
  await crowd.allHave(topic, newest, 5000 * PATIENCE);
  await until(() => isLive(topic), "live events arrive again", ROWS_BACK_MS);
  expect(await crowd.verdict()).toEqual([]);
}, 90_000);

test("without a dispatcher a frontend is not ready and keeps its streams", async () => {
  const { dispatcher, frontend, other, comments } = parts();
  const topic = ownTopic();
  crowd = await createCrowd(cluster);
  for (const { url } of [frontend, other]) crowd.watch("plain", url, [topic]);
  await until(() => isLive(topic), "live events arrive", 20_000);
  await dispatcher.kill();
  for (const { url } of [frontend, other]) {
    await until(
      async () => (await healthOf(url)).status === 503,
      "it says that no dispatcher answers",
      10_000 * PATIENCE,
    );
    const health = await healthOf(url);
    expect(health).toMatchObject({ alive: true, up: { dispatchers: 0 } });
    expect(health.text).toContain("no dispatcher answers");
  }
  const stored = await crowd.comment(comments.url, topic);
  expect(stored.status).toBe(201);
  expect(crowd.viewers.every(({ recorder }) => recorder.isConnected)).toBe(true);
  await dispatcher.restart();
  await crowd.allHave(topic, Number(stored.body["seq"]), 5000 * PATIENCE);
  await until(() => isLive(topic), "live events arrive again", ROWS_BACK_MS);
  for (const { url } of [frontend, other]) {
    await until(
      async () => (await healthOf(url)).answer === "ready",
      "it says that all is well",
      ROWS_BACK_MS,
    );
  }
  // No viewer had to reconnect for it.
  for (const { entries } of crowd.recorder.history(new Map()).viewers) {
    expect([...entries].filter(({ kind }) => kind === "connected")).toHaveLength(1);
  }
  expect(await crowd.verdict()).toEqual([]);
}, 60_000);

test("a frontend that is terminated drains its viewers, and then ends", async () => {
  const { other } = parts();
  const response = await fetch(`${other.url}/v1/events?topic=${ownTopic()}`);
  // Resolves where the stream ends as streams do; one that is cut off rejects.
  const whole = response.text();
  expect(await other.stop()).toBe(0);
  expect(await whole).toContain("event: reconnect");
  await other.restart();
}, 60_000);

/** 0 without a listener. */
async function statusOf(url: string): Promise<number> {
  try {
    return (await fetch(url)).status;
  } catch {
    return 0;
  }
}
