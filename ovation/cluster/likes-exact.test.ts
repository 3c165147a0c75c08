/**
 * Likes over a database whose answers are lost, and that stops answering. Real processes, a real
 * PostgreSQL behind a TCP proxy.
 */

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { startTcpProxy, type TcpProxy } from "../../testing/tcp-proxy.ts";
import { until } from "../../testing/until.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

setDefaultTimeout(90_000);

/** `TimeoutStopSec` of `deploy/systemd/ovation-comments.service`. */
const GRACE_MS = 20_000;

let cluster: LocalCluster;
let proxy: TcpProxy;
let lines: string[];
afterEach(async () => {
  proxy.heal();
  await cluster.stop();
  await proxy.stop();
});

async function start(): Promise<void> {
  lines = [];
  cluster = await startLocalCluster({
    datacenters: ["east"],
    dispatchers: 1,
    frontends: 1,
    comments: 2,
    rateLimits: "off",
    onLine: (name, line) => lines.push(`${name} ${line}`),
    async databaseOf(url) {
      const address = new URL(url);
      proxy = await startTcpProxy({ target: { host: "127.0.0.1", port: Number(address.port) } });
      address.port = String(proxy.port);
      return address.href;
    },
  });
}

const comments = (index: number) => cluster.datacenters[0]!.comments[index]!;

async function like(index: number): Promise<number> {
  const answer = await fetch(`${comments(index).url}/v1/videos/liked/likes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "like", count: 1 }),
  });
  await answer.body?.cancel();
  return answer.status;
}

async function totalAt(index: number): Promise<number> {
  const answer = await fetch(`${comments(index).url}/v1/videos/liked`);
  if (!answer.ok) return -1;
  return ((await answer.json()) as { likes: { like?: number } }).likes.like ?? 0;
}

test("responses to COMMIT are lost again and again: the total is what was accepted", async () => {
  await start();
  let accepted = 0;
  expect(await like(0)).toBe(202);
  accepted++;
  for (let round = 0; round < 12; round++) {
    // Answers come late, so the reset meets transactions that were carried out and not answered.
    proxy.set({ delayMs: 60 });
    const until = Date.now() + 400;
    while (Date.now() < until) {
      const statuses = await Promise.all([like(0), like(1)]);
      accepted += statuses.filter((status) => status === 202).length;
      await Bun.sleep(10);
    }
    proxy.reset();
  }
  proxy.set({ delayMs: 0 });
  await until(
    async () => {
      const totals = [await totalAt(0), await totalAt(1)];
      if (totals.some((total) => total > accepted))
        throw new Error(`${accepted} accepted, the totals are ${totals.join(" and ")}`);
      return totals.every((total) => total === accepted);
    },
    "the total is what was accepted",
    20_000,
  );
  // A flush that was still in flight would add to it.
  await Bun.sleep(1_000);
  expect([await totalAt(0), await totalAt(1)]).toEqual([accepted, accepted]);
});

test("a database hangs: likes are refused after 2 s, and a stop reports what it lost", async () => {
  await start();
  expect(await like(0)).toBe(202);
  await until(async () => (await totalAt(1)) === 1, "it is stored", 5_000);
  proxy.halfCut("both");
  let accepted = 0;
  const frozenAt = Date.now();
  let refusedAt: number | undefined;
  const sent: Promise<void>[] = [];
  // One request may wait for the database; those that come when it is known to be away do not.
  for (let at = 0; at < 4_000; at += 100) {
    sent.push(
      like(0).then((status) => {
        if (status === 202) accepted++;
        if (status === 503) refusedAt ??= Date.now();
      }),
    );
    await Bun.sleep(100);
  }
  expect((refusedAt ?? Number.POSITIVE_INFINITY) - frozenAt).toBeLessThan(3_500);
  await Promise.all(sent);
  expect(accepted).toBeGreaterThan(0);
  const stoppedAt = Date.now();
  const exitCode = await comments(0).stop();
  expect(Date.now() - stoppedAt).toBeLessThan(GRACE_MS);
  expect(exitCode).toBe(1);
  const said = lines.find((line) => line.includes("could not be stored or confirmed")) ?? "";
  expect(said).toContain(`${accepted} likes of 1 videos`);
});

test("a stop while the database is well loses nothing and ends with 0", async () => {
  await start();
  for (let count = 0; count < 20; count++) expect(await like(0)).toBe(202);
  expect(await comments(0).stop()).toBe(0);
  expect(await totalAt(1)).toBe(20);
});
