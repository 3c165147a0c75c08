/** The errors an operator gets for a wrong `--table`. Real servers; some of them not Redis. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type RedisInstance, startRedis, startRedisCluster } from "../../testing/redis.ts";
import { freshFrontend, freshTopic } from "../subscription-table.contract.ts";
import { RedisTable } from "../testing/redis-table.ts";

const PASSWORD = "geheim-7f3a";
const running: { stop(): unknown }[] = [];
let open: RedisInstance;
let locked: RedisInstance;
let full: RedisInstance;
let cluster: RedisInstance;
let web: ReturnType<typeof Bun.serve>;

beforeAll(async () => {
  [open, locked, full, cluster] = await Promise.all([
    startRedis(),
    startRedis(),
    startRedis(),
    startRedisCluster(),
  ]);
  web = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  running.push(open, locked, full, cluster, web);
  await full.servers[0]?.client.config("SET", "maxmemory", "1");
  await locked.servers[0]?.client.call(
    "ACL",
    "SETUSER",
    "narrow",
    "on",
    `>${PASSWORD}`,
    "~o:*",
    "+get",
    "+set",
    "+ping",
  );
  await locked.servers[0]?.client.config("SET", "requirepass", PASSWORD);
}, 30_000);

afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
});

/** All error texts for the store at this URL: from the state, a lookup, a renewal. */
async function said(url: string): Promise<string> {
  const lines: string[] = [];
  const table = new RedisTable({
    url,
    onState: (state, detail) => lines.push(`${state} ${detail}`),
  });
  const calls = [() => table.lookup([freshTopic()]), () => table.renew(freshFrontend(), 1000)];
  for (const call of calls) {
    await call().then(
      () => lines.push("done"),
      (error: unknown) => lines.push(String(error)),
    );
  }
  await table.close();
  return lines.join("\n");
}

const at = (instance: RedisInstance, from: string | RegExp = "", to = "") =>
  instance.url.replace(from, to);

test("every call on a wrong URL says what to do, and never shows the password", async () => {
  const cases: readonly (readonly [url: string, advice: string])[] = [
    ["redis://127.0.0.1:1", "nothing listens there"],
    ["redis://nowhere.invalid:1", "not known here"],
    [locked.url, "asks for a password"],
    [at(locked, "//", `//:${PASSWORD}-not@`), "password in --table is wrong"],
    [at(locked, "//", `//bob:${PASSWORD}@`), "password in --table is wrong"],
    [at(locked, "//", `//narrow:${PASSWORD}@`), "its user needs"],
    [`${open.url}/99`, "no database of that number"],
    [`redis://:${PASSWORD}@127.0.0.1:${web.port}`, "does not speak Redis' protocol"],
    [at(open, "redis:", "rediss:"), "write redis:// in place of rediss://"],
    [at(open, "redis:", "redis+cluster:"), "not a Cluster"],
    [`${at(open, "redis:", "redis+sentinel:")}/mymaster`, "not a Sentinel"],
    [at(cluster, /^.*,/, "redis://"), "write redis+cluster://"],
    [full.url, "raise maxmemory"],
  ];
  const answers = await Promise.all(
    cases.map(async ([url, advice]) => ({ url, advice, text: await said(url) })),
  );
  for (const { url, advice, text } of answers) {
    expect(`${url}: ${text}`).toContain(advice);
    expect(text).not.toContain(PASSWORD);
    expect(text).toContain(new URL(url.replace(/^\w+(\+\w+)?:/, "http:").split(",")[0] ?? "").host);
  }
}, 30_000);

test("a database number that the server does not have is not replaced by 0", async () => {
  const before = await open.servers[0]?.client.dbsize();
  expect(await said(`${open.url}/99`)).not.toContain("done");
  expect(await open.servers[0]?.client.dbsize()).toBe(before ?? -1);
}, 10_000);
