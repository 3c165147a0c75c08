/**
 * What the roles of a cluster do and say when what they need is not there at the start, or is not
 * what it should be. Real servers.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { type RedisInstance, type RedisServer, startRedis } from "../../testing/redis.ts";
import { until } from "../../testing/until.ts";
import { type ClusterProcess, startProcess } from "./cluster-process.ts";
import { healthOf } from "./testing/health.ts";

/** Machines that are busy with other tests take their time. */
const PATIENCE_MS = 20_000;
const PASSWORD = "geheim-7f3a";
const ENVIRONMENT = {
  OVATION_SECRET: "the-secret-of-this-test-0123456789",
  OVATION_INTERNAL_SECRET: "the-other-secret-of-this-test",
};

let postgres: TestPostgres;
let redis: RedisInstance & { readonly server: RedisServer };
const running: ClusterProcess[] = [];

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
}, 60_000);

afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await Promise.all([postgres.stop(), redis.stop()]);
}, 30_000);

const database = (name = "postgres", user = "ovation") =>
  postgres.url.replace("ovation@", `${user}:${PASSWORD}@`).replace(/[^/]*$/, name);

async function start(
  role: "dispatcher" | "comments",
  flags: readonly string[],
): Promise<{ process: ClusterProcess; lines: string[] }> {
  const lines: string[] = [];
  const options = {
    name: role,
    role,
    flags: [...flags, "--log-level", "info"],
    environment: ENVIRONMENT,
    internal: role === "dispatcher",
  };
  const process = await startProcess({ ...options, onLine: (line) => lines.push(line) }, "at-once");
  running.push(process);
  await until(
    async () => (await healthOf(process.url)).status !== 0,
    `${role} answers`,
    PATIENCE_MS,
  );
  return { process, lines };
}

test("a dispatcher without its stores reports what it waits for, until they respond", async () => {
  await Promise.all([redis.server.kill(), postgres.halt("fast")]);
  const { process, lines } = await start("dispatcher", [
    "--table",
    redis.url,
    "--database",
    database(),
  ]);
  await until(
    async () => {
      const { status, text } = await healthOf(process.url);
      return (
        status === 503 &&
        text.includes(`127.0.0.1:${redis.server.port}`) &&
        text.includes(`${new URL(postgres.url).host}/postgres`)
      );
    },
    "it says that both are away, and why",
    PATIENCE_MS,
  );
  expect(await healthOf(process.url)).toMatchObject({
    alive: true,
    answer: "not ready",
    up: { table: 0, database: 0 },
  });
  const refused = await fetch(`${process.url}/v1/publish`, { method: "POST", body: "{}" });
  expect(refused.status).toBe(503);
  expect(refused.headers.get("content-type")).toContain("application/problem+json");
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({ code: "unavailable" });
  for (const part of [
    "the database is not reached yet",
    "the subscription table's store is not reached yet",
    "nothing listens there",
  ]) {
    expect(lines.join("\n")).toContain(part);
  }

  await redis.server.restart();
  await until(
    async () => {
      const { status, up } = await healthOf(process.url);
      return status === 503 && up["table"] === 1 && up["database"] === 0;
    },
    "it says that the database alone is away",
    PATIENCE_MS,
  );
  await postgres.resume();
  await process.ready();
  await until(
    async () => (await healthOf(process.url)).answer === "ready",
    "all is well",
    PATIENCE_MS,
  );
  expect(await healthOf(process.url)).toMatchObject({ status: 200, up: { table: 1, database: 1 } });
  expect(lines.join("\n")).not.toContain(PASSWORD);
  expect(await process.stop()).toBe(0);
}, 90_000);

test("a comments process waits for PostgreSQL, and without Redis reports degraded", async () => {
  await Promise.all([redis.server.kill(), postgres.halt("fast")]);
  const { process, lines } = await start("comments", [
    ...["--table", redis.url.replace("//", `//:${PASSWORD}@`)],
    ...["--database", database(), "--dispatcher", "http://127.0.0.1:1"],
  ]);
  await until(
    async () => {
      const { status, text } = await healthOf(process.url);
      return status === 503 && text.includes(new URL(postgres.url).host);
    },
    "it says that the database is away",
    PATIENCE_MS,
  );
  expect(await healthOf(process.url)).toMatchObject({ alive: true, up: { database: 0 } });
  expect((await fetch(`${process.url}/v1/videos`)).status).toBe(503);
  await postgres.resume();
  await process.ready();
  await until(
    async () => (await healthOf(process.url)).answer === "degraded",
    "it does without Redis, and says so",
    PATIENCE_MS,
  );
  const without = await healthOf(process.url);
  expect(without).toMatchObject({ status: 200, up: { database: 1, table: 0 } });
  expect(without.text).toContain(`127.0.0.1:${redis.server.port}`);
  expect((await fetch(`${process.url}/v1/videos`)).status).toBe(200);
  await redis.server.restart();
  await until(
    async () => (await healthOf(process.url)).answer === "ready",
    "all is well",
    PATIENCE_MS,
  );
  expect(lines.join("\n")).not.toContain(PASSWORD);
  expect(await process.stop()).toBe(0);
}, 90_000);

test("a permanent error ends the process with one sentence that says what to do", async () => {
  const owned = await postgres.createDatabase("owned");
  await postgres.createDatabase("closed");
  const sql =
    "CREATE ROLE nobody_here LOGIN; CREATE ROLE halfway LOGIN;" +
    "GRANT CREATE ON DATABASE owned TO halfway";
  expect(
    await Bun.spawn([join(postgres.binaries, "psql"), "-q", "-X", "-d", owned, "-c", sql]).exited,
  ).toBe(0);
  const cases: readonly (readonly [flags: Record<string, string>, said: string])[] = [
    [
      { "--table": `redis:/:${PASSWORD}@x` },
      "--table: the table's address is not redis://host:port",
    ],
    [{ "--table": `redis+sentinel://:${PASSWORD}@x` }, "ends with the name of their master"],
    [
      { "--database": `postgres://:${PASSWORD}@` },
      "--database needs postgres://user:password@host/name",
    ],
    [
      { "--database": database("not_there") },
      `database "not_there" does not exist. Check --database`,
    ],
    [
      { "--database": database("closed", "nobody_here") },
      "permission denied for database closed. Check --database and the rights",
    ],
    [
      { "--database": database("owned", "halfway") },
      "GRANT CREATE on the database and on its schema public",
    ],
  ];
  await Promise.all(
    cases.map(async ([given, said]) => {
      const flags = Object.entries({
        "--table": redis.url,
        "--database": postgres.url,
        "--log-level": "error",
        ...given,
      }).flat();
      const command = [
        process.execPath,
        join(import.meta.dir, "..", "main.ts"),
        "dispatcher",
        "--port",
        "0",
        ...flags,
      ];
      const child = Bun.spawn(command, {
        env: { ...process.env, ...ENVIRONMENT },
        stderr: "pipe",
        timeout: PATIENCE_MS,
      });
      const text = (await new Response(child.stderr).text()).trim();
      expect(text).toContain(said);
      expect(text).toMatch(/^ovation: [^\n]*$/);
      expect(text).not.toContain(PASSWORD);
      expect(await child.exited).toBe(1);
    }),
  );
}, 60_000);
