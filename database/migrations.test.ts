import { expect, test } from "bun:test";
import { DatabaseUnusableError } from "./errors.ts";
import { pendingMigrations } from "./migrations.ts";

test("a database without tables needs every migration, in order", () => {
  expect(pendingMigrations("x", 0, ["a", "b"])).toEqual([
    { version: 1, text: "a" },
    { version: 2, text: "b" },
  ]);
});

test("a database of an earlier version needs those after it, one of this version none", () => {
  expect(pendingMigrations("x", 1, ["a", "b"])).toEqual([{ version: 2, text: "b" }]);
  expect(pendingMigrations("x", 2, ["a", "b"])).toEqual([]);
});

test("a database of a newer version is refused with what to do", () => {
  const read = () => pendingMigrations("the log /data/log.sqlite", 3, ["a", "b"]);
  expect(read).toThrow(DatabaseUnusableError);
  expect(read).toThrow(
    "the log /data/log.sqlite has format 3 and this version of Ovation knows 2. " +
      "Nothing was changed; start the newer version that wrote it",
  );
});
