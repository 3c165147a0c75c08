import { expect, setDefaultTimeout, test } from "bun:test";
import { databasePerTest } from "../../testing/database-per-test.ts";
import { DatabaseStatementError, DatabaseUnusableError } from "../errors.ts";
import { migrateTogether } from "../testing/migrate-together.ts";
import { SLOW_ROWS, SLOW_SCHEMA } from "../testing/slow-schema.ts";
import { openPostgresDatabase } from "./sql-database-postgres.ts";

// A real server, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let url: string;
databasePerTest((own) => {
  url = own;
});

const FIRST = "CREATE TABLE ovation_notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
const schema = (...migrations: string[]) => ({ part: "notes", migrations });
const VERSION = "SELECT version FROM ovation_schema WHERE part = 'notes'";

test("of two processes at once each opens the database, and a migration runs once", async () => {
  expect(await migrateTogether("postgres", url)).toEqual(["", ""]);
  const database = await openPostgresDatabase(url, SLOW_SCHEMA);
  const rows = await database.run("SELECT count(*)::integer AS n FROM ovation_slow");
  expect(rows).toEqual([{ n: SLOW_ROWS }]);
  await database.close();
});

test("tables of a newer version are refused with a sentence, and stay as they are", async () => {
  const newer = await openPostgresDatabase(url, schema(FIRST, "SELECT 1"));
  const open = openPostgresDatabase(url, schema(FIRST));
  await expect(open).rejects.toThrow(DatabaseUnusableError);
  await expect(open).rejects.toThrow(
    /the tables of notes in .* has format 2 and this version of Ovation knows 1.*newer version/,
  );
  expect(await newer.run(VERSION)).toEqual([{ version: 2 }]);
  await newer.close();
});

test("a migration that fails leaves the old version and its rows", async () => {
  const old = await openPostgresDatabase(url, schema(FIRST));
  await old.run("INSERT INTO ovation_notes VALUES (1, 'kept')");
  const broken = schema(FIRST, "DELETE FROM ovation_notes; INSERT INTO nowhere VALUES (1)");
  await expect(openPostgresDatabase(url, broken)).rejects.toThrow(DatabaseStatementError);
  expect(await old.run(VERSION)).toEqual([{ version: 1 }]);
  expect(await old.run("SELECT text FROM ovation_notes")).toEqual([{ text: "kept" }]);
  await old.close();
});

test("a semicolon within a function or a text does not end a statement", async () => {
  const database = await openPostgresDatabase(
    url,
    schema(
      FIRST,
      `CREATE FUNCTION note() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END $$;
       INSERT INTO ovation_notes SELECT 1, note()`,
    ),
  );
  expect(await database.run("SELECT text FROM ovation_notes")).toEqual([{ text: "a;b" }]);
  await database.close();
});
