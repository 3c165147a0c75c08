/**
 * What a cluster of two data centres does when its parts die. Real processes, killed with SIGKILL.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Topic } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { type Crowd, createCrowd, ownTopic } from "./testing/crowd.ts";

/**
 * Machines that are busy with other tests are slower than the promise: it is measured by
 * benchmarks.
 */
const PATIENCE = 3;
const BACK_MS = 5000 * PATIENCE;

let cluster: LocalCluster;
let doors: readonly Gateway[];
let crowd: Crowd;

beforeAll(async () => {
  cluster = await startLocalCluster({
    redis: "single",
    rateLimits: "off",
    logLevel: "error",
    link: { delayMs: 10 },
  });
  doors = cluster.datacenters.map((datacenter) => startGateway(datacenter, 0));
}, 60_000);

afterEach(() => crowd?.close());

afterAll(async () => {
  await Promise.all(doors.map((door) => door.stop()));
  await cluster.stop();
}, 30_000);

function partOf<Part>(parts: readonly Part[] | undefined, index: number): Part {
  const part = parts?.[index];
  if (part === undefined) throw new Error("the cluster has no such part");
  return part;
}

function door(index: number): string {
  return partOf(doors, index).url;
}

/** So many viewers at each door, all connected. */
async function gather(topics: readonly Topic[], perDoor: number): Promise<void> {
  crowd = await createCrowd(cluster);
  for (const index of [0, 1]) {
    for (let viewer = 0; viewer < perDoor; viewer++)
      crowd.watch(viewer % 4 === 3 ? "plain" : "sdk", door(index), topics);
  }
  await until(
    () => crowd.viewers.every(({ recorder }) => recorder.isConnected),
    "all viewers are connected",
    20_000,
  );
}

function isBack(): boolean {
  return crowd.viewers.every(({ recorder }) => recorder.isConnected);
}

async function commentUntil(
  topic: Topic,
  at: readonly number[],
  stop: () => boolean,
): Promise<number> {
  let newest = 0;
  for (let turn = 0; !stop(); turn++) {
    const { status, body } = await crowd.comment(door(at[turn % at.length] ?? 0), topic);
    expect(status).toBe(201);
    newest = Math.max(newest, Number(body["seq"]));
    await Bun.sleep(20);
  }
  return newest;
}

test("a frontend is killed: its viewers fail over within 5 s, each event once", async () => {
  const [topic, other] = [ownTopic(), ownTopic()];
  await gather([topic, other], 40);
  const frontend = partOf(cluster.datacenters[0]?.frontends, 0);
  let isOver = false;
  const writing = commentUntil(topic, [0, 1], () => isOver);
  await Bun.sleep(500);
  await frontend.kill();
  await Bun.sleep(50);
  await until(isBack, "all are back", BACK_MS);
  await Bun.sleep(300);
  isOver = true;
  await crowd.allHave(topic, await writing, BACK_MS);
  expect(await crowd.verdict()).toEqual([]);
  await frontend.restart();
}, 60_000);

test("viewers that move to a frontend that was paused get no live event twice", async () => {
  const topic = ownTopic();
  await gather([topic], 24);
  const [killed, still] = [
    partOf(cluster.datacenters[0]?.frontends, 0),
    partOf(cluster.datacenters[0]?.frontends, 1),
  ];
  let isOver = false;
  const publishing = (async () => {
    while (!isOver) {
      await crowd.publish(door(0), topic, false);
      await Bun.sleep(5);
    }
  })();
  await Bun.sleep(500);
  still.pause();
  await Bun.sleep(1000);
  // Its viewers connect to the other frontend before that one resumes.
  await killed.kill();
  await Bun.sleep(600);
  still.resume();
  await until(isBack, "all viewers are back", BACK_MS);
  await Bun.sleep(500);
  isOver = true;
  await publishing;
  expect(await crowd.verdict()).toEqual([]);
  await killed.restart();
}, 90_000);

test("a dispatcher is killed: the other one takes over, and no durable event is lost", async () => {
  const topic = ownTopic();
  await gather([topic], 10);
  const [killed, left] = [
    partOf(cluster.datacenters[0]?.dispatchers, 0),
    partOf(cluster.datacenters[0]?.dispatchers, 1),
  ];
  let isOver = false;
  const writing = commentUntil(topic, [0], () => isOver);
  await Bun.sleep(300);
  await killed.kill();
  for (let count = 0; count < 5; count++)
    expect((await crowd.publish(left.url, topic, true)).status).toBe(201);
  expect((await crowd.publish(left.url, topic, false)).status).toBe(202);
  await Bun.sleep(300);
  isOver = true;
  await writing;
  const { body } = await crowd.publish(left.url, topic, true);
  await crowd.allHave(topic, Number((body["seqs"] as number[])[0]), BACK_MS);
  expect(await crowd.verdict()).toEqual([]);
  await killed.restart();
}, 60_000);

test("the links are cut: each data centre serves its own; later all events, in order", async () => {
  const [east, west] = [ownTopic(), ownTopic()];
  await gather([east, west], 6);
  cluster.link.cut();
  const deadline = performance.now() + 3000;
  const isOver = () => performance.now() > deadline;
  // One log, so comments of the other side come by the repair lane; live ones do not come at all.
  const writing = Promise.all([commentUntil(east, [0], isOver), commentUntil(west, [1], isOver)]);
  const near = crowd.viewers[0];
  const live = await crowd.publish(partOf(cluster.datacenters[0]?.dispatchers, 0).url, east, false);
  expect(live.status).toBe(202);
  const [eastHead, westHead] = await writing;
  expect(near?.recorder.isConnected).toBe(true);
  cluster.link.heal();
  await crowd.allHave(east, eastHead, BACK_MS);
  await crowd.allHave(west, westHead, BACK_MS);
  // The fast path is back as well: a live event crosses.
  await until(
    async () => {
      const before = crowd.recorder.counts.deliveries;
      await crowd.publish(partOf(cluster.datacenters[0]?.dispatchers, 0).url, east, false);
      await Bun.sleep(300);
      return crowd.recorder.counts.deliveries - before >= crowd.viewers.length;
    },
    "a live event is forwarded again",
    BACK_MS,
  );
  expect(await crowd.verdict()).toEqual([]);
}, 60_000);

test("subscriptions may be changed through a frontend without the connection", async () => {
  const [topic, added] = [ownTopic(), ownTopic()];
  const [holder, other] = [
    partOf(cluster.datacenters[0]?.frontends, 0),
    partOf(cluster.datacenters[0]?.frontends, 1),
  ];
  const response = await fetch(`${holder.url}/v1/events?topic=${topic}`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (part: string) => {
    while (!text.includes(part)) text += (await reader?.read())?.value ?? "";
  };
  await readUntil("connectionId");
  const [, id] = /"connectionId":"([^"]+)"/.exec(text) ?? [];
  const change = (method: string, connection: string | undefined, order?: unknown) =>
    fetch(`${other.url}/v1/connections/${connection}/subscriptions`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topics: [added], order }),
    });
  const put = await change("PUT", id, 2);
  expect(put.status).toBe(200);
  expect(await put.json()).toMatchObject({ results: { [added]: { ok: true, head: 0 } } });

  crowd = await createCrowd(cluster);
  const { status } = await crowd.comment(door(0), added);
  expect(status).toBe(201);
  await readUntil(`"topic":"${added}","seq":1`);
  // A change that arrives after the next one, and invalid numbers.
  const late = await change("DELETE", id, 1);
  expect([late.status, ((await late.json()) as { readonly code: string }).code]).toEqual([
    409,
    "superseded",
  ]);
  for (const order of [0, -1, 1.5, "2", null])
    expect((await change("DELETE", id, order)).status).toBe(400);
  await crowd.comment(door(0), added);
  await readUntil(`"topic":"${added}","seq":2`);
  expect((await change("DELETE", id, 3)).status).toBe(200);
  expect((await change("PUT", `${"a".repeat(8)}.${"b".repeat(22)}`)).status).toBe(412);
  await reader?.cancel();
}, 30_000);

test("viewer counts are right again within ten seconds after a frontend died", async () => {
  const topic = ownTopic();
  crowd = await createCrowd(cluster);
  const [dying, staying] = [
    partOf(cluster.datacenters[0]?.frontends, 1),
    partOf(cluster.datacenters[0]?.frontends, 0),
  ];
  for (let count = 0; count < 3; count++) crowd.watch("sdk", staying.url, [topic]);
  // These do not come back: what they held must be forgotten. Held here, or Bun closes what it
  // collects.
  const streams = await Promise.all(
    Array.from({ length: 5 }, () => fetch(`${dying.url}/v1/events?topic=${topic}`)),
  );
  const viewers = async () => {
    const response = await fetch(`${door(1)}/v1/videos/${topic.slice("video:".length)}`);
    return response.ok ? ((await response.json()) as { readonly viewers: number }).viewers : -1;
  };
  await until(
    async () => (await viewers()) === 8,
    "all are counted, in the other data centre too",
    10_000 * PATIENCE,
  );
  await dying.kill();
  await until(
    async () => (await viewers()) === 3,
    "the dead frontend's viewers are forgotten",
    10_000 * PATIENCE,
  );
  expect(streams.every(({ ok }) => ok)).toBe(true);
  await dying.restart();
}, 90_000);

test("docs/operating/metrics.md has each metric, its meaning and its roles, no other", async () => {
  const [east] = cluster.datacenters;
  const given = new Map<
    string,
    { readonly type: string; readonly help: string; readonly roles: string[] }
  >();
  for (const { role, url } of [
    partOf(east?.frontends, 0),
    partOf(east?.dispatchers, 0),
    partOf(east?.comments, 0),
  ]) {
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, name = "", help = "", type = ""] of text.matchAll(
      /^# HELP (\S+) (.+)\n# TYPE \1 (\w+)$/gm,
    )) {
      const known = given.get(name);
      if (known === undefined) given.set(name, { type, help, roles: [role] });
      else known.roles.push(role);
    }
  }
  const rows = [...given].map(([name, { type, help, roles }]) => {
    const from = roles.length === 3 ? "all" : roles.join(", ");
    return `\`${name}\` | ${type} | ${from} | ${help}`;
  });
  const page = await Bun.file(join(import.meta.dir, "../../docs/operating/metrics.md")).text();
  const [, reference = ""] = page.split("## All of them");
  const listed = [...reference.matchAll(/^\| (`.*) \|$/gm)].map(([, row = ""]) =>
    row.replace(/ +\| +/g, " | ").trim(),
  );
  expect(listed).toEqual(rows.sort());
}, 30_000);
