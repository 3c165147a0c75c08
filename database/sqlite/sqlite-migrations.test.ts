import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseUnavailableError, DatabaseUnusableError } from "../errors.ts";
import { SQLITE_MIGRATE_BUSY_MS } from "../limits.ts";
import { migrateTogether } from "../testing/migrate-together.ts";
import { SLOW_ROWS, SLOW_SCHEMA } from "../testing/slow-schema.ts";
import { openSqliteDatabase } from "./sql-database-sqlite.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ovation-migrations-"));
  path = join(directory, "store.sqlite");
});
afterEach(() => rmSync(directory, { recursive: true }));

const FIRST = "CREATE TABLE ovation_notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
const schema = (...migrations: string[]) => ({ part: "notes", migrations });

function userVersion(): unknown {
  const database = new Database(path);
  try {
    return database.query("PRAGMA user_version").values()[0]?.[0];
  } finally {
    database.close();
  }
}

test("of two processes at once each opens the file, and a migration runs once", async () => {
  expect(await migrateTogether("sqlite", path)).toEqual(["", ""]);
  const database = openSqliteDatabase(path, SLOW_SCHEMA);
  expect(await database.run("SELECT count(*) AS n FROM ovation_slow")).toEqual([{ n: SLOW_ROWS }]);
  await database.close();
}, 60_000);

test("a newer file is refused with a sentence, and no byte of it changes", async () => {
  await openSqliteDatabase(path, schema(FIRST, "SELECT 1")).close();
  const before = readFileSync(path);
  const open = () => openSqliteDatabase(path, schema(FIRST));
  expect(open).toThrow(DatabaseUnusableError);
  expect(open).toThrow(/has format 2 and this version of Ovation knows 1.*start the newer version/);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("rows of a newer format are refused", () => {
  const database = new Database(path);
  database.run("PRAGMA user_version = 2001");
  database.close();
  expect(() => openSqliteDatabase(path, schema(FIRST))).toThrow(/has format 2001/);
  expect(userVersion()).toBe(2001);
});

test("a migration that fails leaves the old version and its rows", async () => {
  const old = openSqliteDatabase(path, schema(FIRST));
  await old.run("INSERT INTO ovation_notes (id, text) VALUES (1, 'kept')");
  await old.close();
  const broken = schema(FIRST, "DELETE FROM ovation_notes; INSERT INTO nowhere VALUES (1)");
  expect(() => openSqliteDatabase(path, broken)).toThrow(/nowhere/);
  expect(userVersion()).toBe(1001);
  const again = openSqliteDatabase(path, schema(FIRST));
  expect(await again.run("SELECT text FROM ovation_notes")).toEqual([{ text: "kept" }]);
  await again.close();
});

test("a file from before checksums gets them without a migration of its tables", async () => {
  const before = new Database(path);
  before.exec(`${FIRST}; INSERT INTO ovation_notes VALUES (1, 'old'); PRAGMA user_version = 1`);
  before.close();
  const database = openSqliteDatabase(path, schema(FIRST));
  expect(await database.select("ovation_notes", "WHERE id = 1")).toMatchObject([{ text: "old" }]);
  await database.close();
  expect(userVersion()).toBe(1001);
});

test("SQLITE_MIGRATE_BUSY_MS: opening waits for another process, then is unavailable", () => {
  const other = new Database(path);
  other.run("BEGIN EXCLUSIVE");
  const start = performance.now();
  expect(() => openSqliteDatabase(path, schema(FIRST))).toThrow(DatabaseUnavailableError);
  expect(performance.now() - start).toBeGreaterThanOrEqual(SQLITE_MIGRATE_BUSY_MS * 0.9);
  other.run("ROLLBACK");
  other.close();
}, 30_000);
