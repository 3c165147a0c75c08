/** The roles of a cluster over PgBouncer in transaction mode, as its default configuration is. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { startPgBouncer, type TestPgBouncer } from "../../testing/pgbouncer.ts";
import { signToken } from "../tokens/mod.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { healthOf } from "./testing/health.ts";

const COMMENTS = 60;

let cluster: LocalCluster;
let pooler: TestPgBouncer;
const ended: string[] = [];
const lines: string[] = [];

beforeAll(async () => {
  cluster = await startLocalCluster({
    datacenters: ["east"],
    comments: 2,
    rateLimits: "off",
    onEnd: (name, how) => ended.push(`${name}: ${how}`),
    onLine: (_, line) => lines.push(line),
    async databaseOf(url) {
      pooler = await startPgBouncer(url, { poolMode: "transaction", poolSize: 4 });
      return pooler.through(url);
    },
  });
}, 60_000);
afterAll(async () => {
  await cluster.stop();
  await pooler.stop();
}, 30_000);

test("comments of two processes are stored and read, and each reports the pooler", async () => {
  const [one, two] = cluster.datacenters[0]!.comments;
  const token = await signToken(cluster.secret, { sub: "ann", name: "Ann" }, 600);
  const answers = await Promise.all(
    Array.from({ length: COMMENTS }, async (_, n) => {
      const { url } = n % 2 === 0 ? one! : two!;
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const body = JSON.stringify({ text: `comment ${n}`, clientId: `c${n}` });
      const sent = await fetch(`${url}/v1/videos/pooled/comments`, {
        method: "POST",
        headers,
        body,
      });
      return sent.status;
    }),
  );
  expect(new Set(answers)).toEqual(new Set([201]));
  const page = await fetch(`${two!.url}/v1/videos/pooled/comments?limit=100`);
  const { comments } = (await page.json()) as { comments: readonly { seq: number }[] };
  expect(comments.map(({ seq }) => seq)).toEqual(Array.from({ length: COMMENTS }, (_, n) => n + 1));
  for (const process of cluster.processes.values())
    expect((await healthOf(process.url)).status).toBe(200);
  expect(ended).toEqual([]);
  expect(
    lines.filter((line) => line.includes("pooler in transaction mode")).length,
  ).toBeGreaterThan(0);
}, 60_000);
