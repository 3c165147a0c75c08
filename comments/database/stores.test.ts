/** The stores' contract suites on each form, with one PostgreSQL for all of them. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseUnavailableError, DatabaseUnusableError } from "@ovation/database";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { testMemberStores } from "../members/member-stores.contract.ts";
import { openPostgresMemberStores, openSqliteMemberStores } from "../members/member-stores-sql.ts";
import { testVideoStore } from "../videos/video-store.contract.ts";
import type { VideoStore } from "../videos/video-store.ts";
import { openPostgresVideoStore, openSqliteVideoStore } from "../videos/video-store-sql.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-stores-"));
let postgres: TestPostgres;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
}, 30_000);
afterAll(async () => {
  for (const store of opened) await store.close();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

/** The same store for every test: opened when the first one asks. */
function once<Store extends { close(): Promise<void> }>(
  open: () => Promise<Store>,
): () => Promise<Store> {
  let store: Promise<Store> | undefined;
  return async () => {
    store ??= open();
    const ready = await store;
    if (!opened.includes(ready)) opened.push(ready);
    return ready;
  };
}

const sqlite = async (): Promise<VideoStore> =>
  openSqliteVideoStore({ path: join(directory, "videos.sqlite") });
testVideoStore("sqlite", once(sqlite), once(sqlite));
const postgresVideos = () => openPostgresVideoStore({ url: postgres.url });
testVideoStore("postgres", once(postgresVideos), once(postgresVideos));

const sqliteMembers = async () =>
  openSqliteMemberStores({ path: join(directory, "members.sqlite") });
testMemberStores("sqlite", once(sqliteMembers), once(sqliteMembers));
const postgresMembers = () => openPostgresMemberStores({ url: postgres.url });
testMemberStores("postgres", once(postgresMembers), once(postgresMembers));

describe("databases that cannot be used", () => {
  test("a file that is no database, or of a later version, is refused and stays as it is", () => {
    const foreign = join(directory, "foreign.sqlite");
    writeFileSync(
      foreign,
      "this is not a database, it is a text file that is long enough to be read".repeat(20),
    );
    const before = Bun.file(foreign).size;
    expect(() => openSqliteVideoStore({ path: foreign })).toThrow(DatabaseUnusableError);
    expect(Bun.file(foreign).size).toBe(before);

    const later = join(directory, "later.sqlite");
    const database = new Database(later);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => openSqliteVideoStore({ path: later })).toThrow(
      /format 99.*start the newer version/,
    );
  });

  test("a PostgreSQL that goes away is said, and is used again when it is back", async () => {
    const store = await openPostgresVideoStore({ url: await postgres.createDatabase("away") });
    await store.put("a", {}, 1);
    await postgres.halt("immediate");
    await expect(store.put("a", {}, 2)).rejects.toThrow(DatabaseUnavailableError);
    await postgres.resume();
    expect((await store.put("a", { title: "back" }, 3)).title).toBe("back");
    await store.close();
    const none = openPostgresVideoStore({ url: "postgres://viewer@127.0.0.1:1/none" });
    await expect(none).rejects.toThrow(DatabaseUnavailableError);
  }, 30_000);
});
