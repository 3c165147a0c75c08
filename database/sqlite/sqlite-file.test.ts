import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kindOfSqliteError } from "./sqlite-code.ts";
import {
  inspectHeader,
  openSqliteFile,
  openSqliteFileToInspect,
  openSqliteFileToRead,
} from "./sqlite-file.ts";
import { acquireSqliteLock } from "./sqlite-lock.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ovation-sqlite-file-"));
  path = join(directory, "new", "deep", "store.sqlite");
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (file = path) =>
  openSqliteFile(file, {
    subject: "the file",
    schema: { migrations: ["CREATE TABLE notes (text TEXT)"] },
    synchronous: "FULL",
    busyMs: 123,
  });

test("a new file, its WAL and its directories are for this user alone, whatever the umask", () => {
  const before = process.umask(0o000);
  try {
    const database = open();
    database.run("INSERT INTO notes VALUES ('private')");
    const modes = readdirSync(join(directory, "new", "deep")).map(
      (name) => statSync(join(directory, "new", "deep", name)).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(join(directory, "new")).mode & 0o777).toBe(0o700);
    database.close();
  } finally {
    process.umask(before);
  }
});

test("a connection has WAL, its durability, its wait, and overwrites what is deleted", () => {
  const database = open();
  const pragma = (name: string) => database.query(`PRAGMA ${name}`).values()[0]?.[0];
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(2);
  expect(pragma("busy_timeout")).toBe(123);
  expect(pragma("secure_delete")).toBe(1);
  database.close();
});

test("a connection to read sees the rows and cannot write", () => {
  const database = open();
  database.run("INSERT INTO notes VALUES ('a')");
  const reader = openSqliteFileToRead(path, 50);
  expect(reader.query("SELECT text FROM notes").values()).toEqual([["a"]]);
  expect(() => reader.run("DELETE FROM notes")).toThrow(/readonly/);
  reader.close();
  database.close();
});

test("an inspection leaves no trace of a file that was closed", () => {
  open().close();
  const names = readdirSync(join(directory, "new", "deep"));
  const database = openSqliteFileToInspect(path, 50);
  expect(database.query("SELECT count(*) FROM notes").values()).toEqual([[0]]);
  database.close();
  expect(readdirSync(join(directory, "new", "deep"))).toEqual(names);
});

test("a header tells SQLite's files from missing, empty and foreign ones", () => {
  expect(inspectHeader(path)).toBe("empty");
  open().close();
  expect(inspectHeader(path)).toBe("sqlite");
  const other = join(directory, "other");
  writeFileSync(other, "");
  expect(inspectHeader(other)).toBe("empty");
  writeFileSync(other, Buffer.alloc(200));
  expect(inspectHeader(other)).toBe("foreign");
});

test("errors of SQLite have one kind each, and other errors have none", () => {
  const kindOf = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return kindOfSqliteError(error);
    }
    return "no error";
  };
  const database = open();
  expect(kindOf(() => database.run("INSERT INTO nowhere VALUES (1)"))).toBe("statement");
  database.run("PRAGMA max_page_count = 3");
  expect(kindOf(() => database.run("INSERT INTO notes VALUES (zeroblob(100000))"))).toBe("full");
  const other = open();
  other.run("PRAGMA busy_timeout = 1");
  database.run("BEGIN IMMEDIATE");
  expect(kindOf(() => other.run("BEGIN IMMEDIATE"))).toBe("unavailable");
  database.run("ROLLBACK");
  other.close();
  database.close();
  const foreign = join(directory, "foreign");
  writeFileSync(foreign, "not a database ".repeat(100));
  expect(kindOf(() => open(foreign))).toBe("damaged");
  expect(kindOf(() => openSqliteFileToRead(join(directory, "missing"), 1))).toBe("io");
  expect(kindOfSqliteError(new Error("SQLITE_FULL"))).toBeUndefined();
});

test("a lock is held by one process until it releases it", () => {
  const file = join(directory, "lock");
  const lock = acquireSqliteLock(file, 1);
  expect(lock).toBeDefined();
  expect(acquireSqliteLock(file, 1)).toBeUndefined();
  lock?.release();
  const next = acquireSqliteLock(file, 1);
  expect(next).toBeDefined();
  next?.release();
  expect(() => acquireSqliteLock(join(directory, "none", "lock"), 1)).toThrow();
});
