/** Every table that exists has its life in docs/operating/data-lives.md, on both stores. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog } from "@ovation/log";
import { SQL } from "bun";
import { startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { DEFAULT_RECORD_LIVES } from "./limits.ts";
import { openPostgresMemberStores, openSqliteMemberStores } from "./members/member-stores-sql.ts";
import { openPostgresVideoStore, openSqliteVideoStore } from "./videos/video-store-sql.ts";

setDefaultTimeout(60_000);

const PAGE = readFileSync(join(import.meta.dir, "../docs/operating/data-lives.md"), "utf8");
const ROWS = PAGE.split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2);
const NAMED = new Set(
  ROWS.flatMap((row) =>
    [...(row.split("|")[2] ?? "").matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
  ),
);

let directory: string;
let postgres: TestPostgres;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-lives-"));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  rmSync(directory, { recursive: true });
});

async function sqliteTables(): Promise<string[]> {
  const paths = ["log", "videos", "members"].map((name) => join(directory, `${name}.sqlite`));
  const [log = "", videos = "", members = ""] = paths;
  await (await openLog({ path: log })).close();
  await openSqliteVideoStore({ path: videos }).close();
  await openSqliteMemberStores({ path: members }).close();
  return paths.flatMap((path) => {
    const database = new Database(path, { readonly: true });
    const rows = database
      .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .all();
    database.close();
    return rows.map(({ name }) => name).filter((name) => !name.startsWith("sqlite_"));
  });
}

async function postgresTables(): Promise<string[]> {
  const { url } = postgres;
  await (await openLog({ url })).close();
  await (await openPostgresVideoStore({ url })).close();
  await (await openPostgresMemberStores({ url })).close();
  const sql = new SQL(url);
  const rows: { name: string }[] = await sql`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`;
  await sql.close();
  return rows.map(({ name }) => name);
}

test("every table has a row in the document, and every table it names is there", async () => {
  const [sqlite, server] = [await sqliteTables(), await postgresTables()];
  expect(sqlite.length).toBeGreaterThan(15);
  expect(sqlite.filter((name) => !NAMED.has(name))).toEqual([]);
  expect(server.filter((name) => !NAMED.has(name))).toEqual([]);
  const all = new Set([...sqlite, ...server]);
  expect([...NAMED].filter((name) => !all.has(name ?? ""))).toEqual([]);
});

test("every row has a retention, and each setting of one is in a row with its default", () => {
  for (const row of ROWS) {
    const cells = row.split("|").map((cell) => cell.trim());
    expect([row, cells.length, cells[4] !== "" && cells[6] !== ""]).toEqual([row, 8, true]);
  }
  for (const [name, ms] of Object.entries(DEFAULT_RECORD_LIVES)) {
    const setting = `records.${name.replace(/Ms$/, "Days")}`;
    const row = ROWS.find((each) => each.includes(`\`${setting}\``)) ?? "";
    const isSaid = new RegExp(`\\b${ms / 86_400_000}\\b`).test(row.split("|")[4] ?? "");
    expect([setting, isSaid]).toEqual([setting, true]);
  }
});
