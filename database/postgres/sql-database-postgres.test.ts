/** A PostgreSQL server that is silent, as behind a dead network. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { DatabaseUnavailableError } from "../errors.ts";
import { CONNECTIONS_MAX, MIGRATE_MS_MAX, POSTGRES_ANSWER_MS_MAX } from "../limits.ts";
import { DEFAULT_POSTGRES_DATABASE, openPostgresDatabase } from "./sql-database-postgres.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop(), 30_000);

const SCHEMA = { part: "test", migrations: ["CREATE TABLE notes (text TEXT PRIMARY KEY)"] };

/** A session of a replaced pool may end between the list and the signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

test("POSTGRES_ANSWER_MS_MAX and MIGRATE_MS_MAX are the deadlines where none is given", () => {
  expect(DEFAULT_POSTGRES_DATABASE).toEqual({
    answerMsMax: POSTGRES_ANSWER_MS_MAX,
    migrateMsMax: MIGRATE_MS_MAX,
  });
});

test("CONNECTIONS_MAX statements run at once, and more wait for them", async () => {
  const database = await openPostgresDatabase(postgres.url, { part: "pool", migrations: [] });
  const rows = await Promise.all(
    Array.from({ length: 4 * CONNECTIONS_MAX }, () =>
      database.run("SELECT pg_backend_pid() AS pid, pg_sleep(0.1)"),
    ),
  );
  expect(new Set(rows.map(([row]) => row?.["pid"])).size).toBe(CONNECTIONS_MAX);
  await database.close();
}, 30_000);

test("migrations may take longer than an answer, and fail after their own deadline", async () => {
  const slow = (part: string) => ({
    part,
    migrations: [`CREATE TABLE ${part} (text TEXT); SELECT pg_sleep(0.6)`],
  });
  const open = (part: string, migrateMsMax: number) =>
    openPostgresDatabase(postgres.url, slow(part), { answerMsMax: 300, migrateMsMax });
  await expect(open("late", 300)).rejects.toThrow(DatabaseUnavailableError);
  const database = await open("whole", 20_000);
  expect(await database.run("SELECT text FROM whole")).toEqual([]);
  await expect(database.run("SELECT pg_sleep(0.6)")).rejects.toThrow(DatabaseUnavailableError);
  await database.close();
}, 30_000);

test("a silent server fails queries after the deadline, and is used when it answers", async () => {
  const database = await openPostgresDatabase(postgres.url, SCHEMA, { answerMsMax: 400 });
  const control = await openPostgresDatabase(postgres.url, SCHEMA);
  const write = (text: string) =>
    database.transaction((runner) => runner.run("INSERT INTO notes (text) VALUES ($1)", [text]));
  const silence = async () => {
    const sessions = await control.run(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
         AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    for (const { pid } of sessions) signal(Number(pid), "SIGSTOP");
    return () => {
      for (const { pid } of sessions) signal(Number(pid), "SIGCONT");
    };
  };
  await write("first");
  for (const ask of [() => write("lost"), () => database.run("SELECT text FROM notes")]) {
    const speak = await silence();
    await expect(ask()).rejects.toThrow(DatabaseUnavailableError);
    expect(await database.run("SELECT text FROM notes")).toEqual([{ text: "first" }]);
    speak();
  }
  await write("second");
  expect(await control.run("SELECT count(*)::int AS notes FROM notes")).toEqual([{ notes: 2 }]);
  const speak = await silence();
  await database.close();
  speak();
  await control.close();
}, 30_000);
