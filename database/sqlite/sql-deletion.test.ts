/** What is deleted from a file of members or videos is in no page of it. */

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteDatabase } from "./sql-database-sqlite.ts";

test("rows that were deleted leave no text in the files after the stop", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ovation-deletion-"));
  try {
    const migrations = ["CREATE TABLE previews (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"];
    const schema = { part: "test", migrations };
    const database = openSqliteDatabase(join(directory, "members.sqlite"), schema);
    const text = `ERASED ${"x".repeat(200)}`;
    await database.transaction(async (runner) => {
      for (let id = 0; id < 1000; id++)
        await runner.run("INSERT INTO previews VALUES ($1, $2)", [id, id === 7 ? "KEPT" : text]);
    });
    await database.run("DELETE FROM previews WHERE id <> 7");
    await database.close();
    const files = readdirSync(directory).map((file) =>
      readFileSync(join(directory, file), "latin1"),
    );
    expect(files.join("")).toContain("KEPT");
    expect(files.join("").split("ERASED").length - 1).toBe(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
