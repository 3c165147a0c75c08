/** Limits of a log in PostgreSQL, on a real server: what happens at each, and beyond it. */

import { afterAll, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  POSTGRES_ANSWER_MS_MAX,
  POSTGRES_CONNECT_MS_MAX,
  POSTGRES_STATEMENT_MS_MAX,
} from "@ovation/database";
import { type Stamp, topicOf } from "@ovation/protocol";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { exportLog } from "../archive/log-export.ts";
import { importLog } from "../archive/log-import.ts";
import { verifyLog } from "../archive/log-verify.ts";
import {
  ARCHIVE_MS_MAX,
  CHANGES_MAX,
  POSTGRES_APPENDS_MAX,
  POSTGRES_READS_MAX,
} from "../limits.ts";
import { LogUnavailableError } from "../log.ts";
import { entry } from "../testing/contract-log.ts";
import { LogClient } from "./log-client.ts";
import { openPostgresLog } from "./log-postgres.ts";

// Real servers, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let postgres: TestPostgres;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
const newDatabase = () => postgres.createDatabase(`limits${++databases}`);

test("POSTGRES_APPENDS_MAX and POSTGRES_READS_MAX run at once, more wait", async () => {
  const url = await newDatabase();
  const [client, control] = [new LogClient(url), new LogClient(url)];
  const most = { appends: POSTGRES_APPENDS_MAX, reads: POSTGRES_READS_MAX };
  for (const pool of ["appends", "reads"] as const) {
    const all = Promise.all(
      Array.from({ length: 4 * most[pool] }, () =>
        client.query<{ pid: number }>(pool, "SELECT pg_backend_pid() AS pid, pg_sleep(0.2)"),
      ),
    );
    let isOver = false;
    void all.then(() => (isOver = true));
    let running = 0;
    while (!isOver) {
      const [row] = await control.query<{ running: number }>(
        "reads",
        `SELECT count(*)::int AS running FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(0.2)'
           AND pid <> pg_backend_pid()`,
      );
      running = Math.max(running, row?.running ?? 0);
      await Bun.sleep(10);
    }
    expect([pool, running]).toEqual([pool, most[pool]]);
    expect(new Set((await all).map(([row]) => row?.pid)).size).toBe(most[pool]);
  }
  await Promise.all([client.close(), control.close()]);
});

test("POSTGRES_STATEMENT_MS_MAX: the server ends longer statements", async () => {
  const client = new LogClient(await newDatabase());
  for (const name of ["statement_timeout", "idle_in_transaction_session_timeout"])
    for (const pool of ["appends", "reads"] as const) {
      const [row] = await client.query<{ ms: number }>(
        pool,
        `SELECT setting::int AS ms FROM pg_settings WHERE name = '${name}'`,
      );
      expect([name, pool, row?.ms]).toEqual([name, pool, POSTGRES_STATEMENT_MS_MAX]);
    }
  const before = performance.now();
  await expect(client.query("reads", "SELECT pg_sleep(60)")).rejects.toThrow(/57014/);
  expect(performance.now() - before).toBeGreaterThan(POSTGRES_STATEMENT_MS_MAX - 100);
  expect(performance.now() - before).toBeLessThan(POSTGRES_ANSWER_MS_MAX);
  await client.close();
});

test("POSTGRES_CONNECT_MS_MAX: the deadline of a server that accepts and is silent", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const client = new LogClient(`postgres://ovation@127.0.0.1:${silent.port}/ovation`);
  const before = performance.now();
  await expect(client.query("reads", "SELECT 1")).rejects.toThrow(LogUnavailableError);
  expect(performance.now() - before).toBeGreaterThan(POSTGRES_CONNECT_MS_MAX - 100);
  expect(performance.now() - before).toBeLessThan(POSTGRES_ANSWER_MS_MAX);
  await client.close();
  silent.stop(true);
});

test("POSTGRES_ANSWER_MS_MAX: a query's deadline; ARCHIVE_MS_MAX: an archive's", async () => {
  const url = await newDatabase();
  const log = await openPostgresLog({ url });
  await log.append([entry(topicOf("video", "1"), "first")]);
  const timers = spyOn(globalThis, "setTimeout");
  /** How long the deadlines were that `work` set. */
  const deadlinesOf = async (work: () => Promise<unknown>) => {
    timers.mockClear();
    await work();
    return timers.mock.calls.map(([, ms]) => ms).filter((ms) => (ms ?? 0) > 1_000);
  };
  const lines: string[] = [];
  const empty = { url: await newDatabase() };
  try {
    expect(await deadlinesOf(() => log.read(topicOf("video", "1"), { limit: 1 }))).toEqual([
      POSTGRES_ANSWER_MS_MAX,
    ]);
    for (const archive of [
      () => verifyLog({ url }),
      () => exportLog({ url }, (text) => void lines.push(text)),
      () => importLog(empty, lines.join("").trimEnd().split("\n")),
    ])
      expect(await deadlinesOf(archive)).toContain(ARCHIVE_MS_MAX);
  } finally {
    timers.mockRestore();
  }
  const client = new LogClient(url, { answerMsMax: 300 });
  const slow = (ms?: number) =>
    client.transaction("appends", (query) => query("SELECT pg_sleep(0.6)"), ms);
  expect(await slow(20_000)).toHaveLength(1);
  await expect(slow()).rejects.toThrow(LogUnavailableError);
  await Promise.all([log.close(), client.close()]);
});

test("CHANGES_MAX topics are in one result, the rest in the next ones", async () => {
  const url = await newDatabase();
  const log = await openPostgresLog({ url });
  const { stamp: begin } = await log.changes(-1, 1);
  await log.append([entry(topicOf("video", "first"), "x")]);
  const topics = CHANGES_MAX + 60;
  const client = new LogClient(url);
  await client.query(
    "reads",
    `INSERT INTO ovation_log.topics (name, seq, first, stamp, first_stamp, life)
     SELECT 'video:t' || n, 1, 1, t.stamp + (n + 49) / 50, t.stamp, t.life
     FROM generate_series(1, ${topics}) n, ovation_log.topics t WHERE t.name = 'video:first'`,
  );
  const seen = new Set<string>();
  const sizes: number[] = [];
  let since: Stamp = begin;
  for (let more = true; more; ) {
    // An odd limit: a page would end between two topics of one stamp.
    const answer = await log.changes(since, 10);
    sizes.push(answer.heads.length);
    for (const { topic } of answer.heads) seen.add(topic);
    [since, more] = [answer.stamp, answer.more];
    if (sizes.length > 10) throw new Error(`no end: ${sizes.join()}`);
  }
  expect(Math.max(...sizes)).toBe(CHANGES_MAX);
  expect(seen.size).toBe(topics + 1);
  await Promise.all([log.close(), client.close()]);
});
