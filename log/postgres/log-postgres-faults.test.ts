import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parseTopic, toJsonText, topicOf } from "@ovation/protocol";
import { databasePerTest } from "../../testing/database-per-test.ts";
import type { TestPostgres } from "../../testing/postgres.ts";
import { POSTGRES_ATTEMPTS_MAX } from "../limits.ts";
import { type Log, LogFullError, LogUnavailableError, LogUnusableError } from "../log.ts";
import { appendOne, entry, TOPIC as topic } from "../testing/entries.ts";
import { LogClient } from "./log-client.ts";
import { openPostgresLog } from "./log-postgres.ts";
import { MIGRATIONS } from "./postgres-schema.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let postgres: TestPostgres;
let url: string;
databasePerTest((own, server) => {
  url = own;
  postgres = server;
});

async function psql(database: string, sql: string): Promise<void> {
  const child = Bun.spawn(
    [
      join(postgres.binaries, "psql"),
      "-q",
      "-X",
      "-v",
      "ON_ERROR_STOP=1",
      "-d",
      database,
      "-c",
      sql,
    ],
    {
      env: { ...process.env, PGOPTIONS: "-c client_min_messages=warning" },
      stderr: "inherit",
    },
  );
  if ((await child.exited) !== 0) throw new Error(`psql failed: ${sql}`);
}

// First, while there is little for the server to recover after its crash.
describe("a PostgreSQL server", () => {
  test("that crashes makes the log unavailable until its return, in a new epoch", async () => {
    const log = await openPostgresLog({ url });
    const first = await appendOne(log, "first");
    await postgres.halt("immediate");
    await expect(appendOne(log, "lost")).rejects.toThrow(LogUnavailableError);
    await expect(log.read(topic, { limit: 1 })).rejects.toThrow(LogUnavailableError);
    await expect(openPostgresLog({ url })).rejects.toThrow(LogUnavailableError);
    await postgres.resume();
    const second = await appendOne(log, "second");
    expect(second.seq).toBe(2);
    expect(second.epoch).not.toBe(first.epoch);
    expect(await log.wrote(topic, 1, first.epoch)).toBe("yes");
    expect(await log.wrote(topic, 2, first.epoch)).toBe("no");
    await log.close();
  });

  test("that stops responding is given up after the deadline, and tried again", async () => {
    const log = await openPostgresLog({ url, answerMsMax: 1500 });
    await appendOne(log, "first");
    const control = new LogClient(url);
    const sessions = await control.query<{ pid: number }>(
      "reads",
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> " +
        "pg_backend_pid()",
    );
    for (const { pid } of sessions) process.kill(pid, "SIGSTOP");
    await expect(log.append([{ ...entry("second"), key: "k" }])).rejects.toThrow(
      LogUnavailableError,
    );
    const [retried] = await log.append([{ ...entry("second"), key: "k" }]);
    expect(retried?.place.seq).toBe(2);
    for (const { pid } of sessions) process.kill(pid, "SIGCONT");
    // What the silent one did in the end changes nothing: the key is used.
    await Bun.sleep(100);
    expect((await log.append([{ ...entry("third"), key: "l" }]))[0]?.place.seq).toBe(3);
    await Promise.all([log.close(), control.close()]);
  }, 30_000);

  test("whose errors are of the disk, its state or its configuration is told apart", async () => {
    const client = new LogClient(url);
    const fail = (state: string) =>
      client.query("reads", `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${state}'; END $$`);
    await expect(fail("53100")).rejects.toThrow(LogFullError);
    for (const state of ["53300", "57014", "55P03", "25006", "08006"])
      await expect(fail(state)).rejects.toThrow(LogUnavailableError);
    await expect(fail("42501")).rejects.toThrow(LogUnusableError);
    await expect(fail("40P01")).rejects.toMatchObject({
      name: "DatabaseConflictError",
    });
    await expect(fail("22P05")).rejects.toMatchObject({
      name: "DatabaseStatementError",
    });
    await client.close();
    const nowhere = url.replace("ovation@", "ovation:secret@").replace(/[^/]*$/, "nowhere");
    const error = await openPostgresLog({ url: nowhere }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LogUnusableError);
    expect(String(error)).not.toContain("secret");
  });
});

describe("an append", () => {
  /** Every number once, and every key once, in whatever order they came. */
  async function keysOf(log: Log): Promise<readonly string[]> {
    const { events } = await log.read(topic, { after: 0, limit: 1000 });
    expect(events.map(({ place }) => place.seq)).toEqual(events.map((_, index) => index + 1));
    return events.map(({ data }) => (JSON.parse(data) as { text: string }).text).sort();
  }

  test("whose connection the server ends can be repeated with its key", async () => {
    const log = await openPostgresLog({ url });
    const control = new LogClient(url, { applicationName: "control" });
    let refused = 0;
    const appendUntilStored = async (key: string) => {
      for (;;) {
        try {
          return await log.append([{ ...entry(key), key }]);
        } catch (error) {
          expect(error).toBeInstanceOf(LogUnavailableError);
          refused++;
        }
      }
    };
    let isOver = false;
    const ending = (async () => {
      while (!isOver) {
        await control.query(
          "reads",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = " +
            "'ovation-log'",
        );
        await Bun.sleep(20);
      }
    })();
    const keys = Array.from({ length: 400 }, (_, index) => `key ${index}`);
    for (let start = 0; start < keys.length; start += 20)
      await Promise.all(keys.slice(start, start + 20).map(appendUntilStored));
    isOver = true;
    await ending;
    expect(refused).toBeGreaterThan(0);
    expect(await keysOf(log)).toEqual([...keys].sort());
    await Promise.all([log.close(), control.close()]);
  });

  test("that waits too long for a lock is refused and stores nothing; the next works", async () => {
    await (await openPostgresLog({ url })).close();
    await psql(
      url,
      `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET lock_timeout = '200ms'`,
    );
    const log = await openPostgresLog({ url });
    await appendOne(log, "first");
    const holder = new LogClient(url);
    const [holds, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = holder.transaction("appends", async (query) => {
      await query("SELECT FROM ovation_log.topics WHERE name = $1 FOR UPDATE", [topic]);
      holds.resolve();
      await mayEnd.promise;
    });
    await holds.promise;
    await expect(appendOne(log, "late")).rejects.toThrow(LogUnavailableError);
    // Others have waited no longer than that.
    expect((await log.append([entry("elsewhere", topicOf("video", "2"))]))[0]?.place.seq).toBe(1);
    mayEnd.resolve();
    await holding;
    expect((await appendOne(log, "second")).seq).toBe(2);
    expect(await keysOf(log)).toEqual(["first", "second"]);
    await Promise.all([log.close(), holder.close()]);
  });

  test("POSTGRES_ATTEMPTS_MAX: a rolled-back append is repeated, then refused", async () => {
    const log = await openPostgresLog({ url });
    await appendOne(log, "first");
    const control = new LogClient(url);
    // A sequence counts on where a transaction is taken back.
    await psql(
      url,
      `CREATE SEQUENCE attempts;
       CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF nextval('attempts') % 10 <> 3 THEN
         RAISE EXCEPTION 'x' USING ERRCODE = 'serialization_failure'; END IF; RETURN NEW; END $$;
       CREATE TRIGGER take_back BEFORE INSERT
         ON ovation_log.events FOR EACH ROW EXECUTE FUNCTION take_back()`,
    );
    expect((await appendOne(log, "second")).seq).toBe(2);
    await expect(appendOne(log, "never")).rejects.toThrow(
      `took a transaction back ${POSTGRES_ATTEMPTS_MAX} times`,
    );
    const [made] = await control.query<{ attempts: number }>(
      "reads",
      "SELECT last_value::int AS attempts FROM attempts",
    );
    expect(made?.attempts).toBe(3 + POSTGRES_ATTEMPTS_MAX);
    await psql(url, "DROP TRIGGER take_back ON ovation_log.events");
    expect((await appendOne(log, "third")).seq).toBe(3);
    expect(await keysOf(log)).toEqual(["first", "second", "third"]);
    await Promise.all([log.close(), control.close()]);
  });
});

describe("a database", () => {
  test("that was restored from a dump recognises the positions that it lost", async () => {
    const log = await openPostgresLog({ url });
    for (const text of ["1", "2"]) await appendOne(log, text);
    const kept = await appendOne(log, "3");
    const dump = Bun.spawn([join(postgres.binaries, "pg_dump"), "--schema=ovation_log", url], {
      stdout: "pipe",
    });
    const script = await new Response(dump.stdout).text();
    expect(await dump.exited).toBe(0);
    const lost = await appendOne(log, "lost 4");
    // This process runs meanwhile, and has reported to its frontends what will be lost.
    const dispatcher = await openPostgresLog({ url });
    const told = await dispatcher.changes(-1, 10);
    expect(told).toMatchObject({ stamp: lost.stamp, epoch: lost.epoch });
    await log.close();

    await psql(url, "DROP SCHEMA ovation_log CASCADE");
    const restore = Bun.spawn(
      [join(postgres.binaries, "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", url],
      {
        stdin: new Blob([script]),
        stdout: "ignore",
      },
    );
    expect(await restore.exited).toBe(0);
    const restored = await openPostgresLog({ url });
    expect(await restored.wrote(topic, lost.seq, lost.epoch)).toBe("no");
    const isHonest = async () => {
      for (const one of [restored, dispatcher]) {
        expect(await one.reached(kept)).toBe(true);
        expect(await one.reached({ ...kept, stamp: kept.stamp + 1 })).toBe(false);
        expect(await one.reached(lost)).toBe(false);
      }
    };
    await isHonest();
    // Its stamp falls, by which who follows the changes sees that the log is another one.
    expect(await dispatcher.changes(told.stamp, 10)).toMatchObject({ stamp: kept.stamp });
    const place = await appendOne(restored, "new 4");
    expect(place.seq).toBe(4);
    expect(await restored.wrote(topic, lost.seq, lost.epoch)).toBe("no");
    expect(await restored.wrote(topic, 3, lost.epoch)).toBe("yes");
    await isHonest();
    expect(await restored.reached(place)).toBe(true);
    expect(await dispatcher.changes(kept.stamp, 10)).toMatchObject({
      epoch: place.epoch,
      stamp: place.stamp,
    });
    await Promise.all([restored.close(), dispatcher.close()]);
  });

  test("of a newer version, or with another program's schema, is refused, unchanged", async () => {
    await (await openPostgresLog({ url })).close();
    await psql(
      url,
      `INSERT INTO ovation_log.migrations (version) VALUES (${MIGRATIONS.length + 1})`,
    );
    await expect(openPostgresLog({ url })).rejects.toThrow(/start the newer version/);
    const foreign = await postgres.createDatabase("foreign");
    await psql(foreign, "CREATE SCHEMA ovation_log");
    await expect(openPostgresLog({ url: foreign })).rejects.toThrow(LogUnusableError);
    const client = new LogClient(foreign);
    expect(
      await client.query("reads", "SELECT FROM pg_tables WHERE schemaname = 'ovation_log'"),
    ).toHaveLength(0);
    await client.close();
  });

  test("of the first format is migrated, and processes of the earlier version append", async () => {
    const client = new LogClient(url);
    await client.query("reads", "CREATE SCHEMA ovation_log");
    await client.query(
      "reads",
      "CREATE TABLE ovation_log.migrations (version integer PRIMARY KEY, at timestamptz NOT " +
        "NULL DEFAULT now())",
    );
    await psql(url, MIGRATIONS[0] ?? "");
    await psql(url, "INSERT INTO ovation_log.migrations (version) VALUES (1)");
    const appendAsBefore = async (text: string, key: string) => {
      const statement = "SELECT seq, duplicate FROM ovation_log.append($1, $2::text::json)";
      const [row] = await client.query<{ seq: number; duplicate: boolean }>("reads", statement, [
        "old",
        JSON.stringify([{ ...entry(text), key }]),
      ]);
      return row;
    };
    expect(await appendAsBefore("first", "a")).toEqual({ seq: 1, duplicate: false });
    const log = await openPostgresLog({ url });
    const [known, fresh] = await log.append([
      { ...entry("again"), key: "a" },
      { ...entry("second"), key: "b" },
    ]);
    expect(known).toMatchObject({
      duplicate: true,
      place: { seq: 1 },
      stored: { data: toJsonText({ text: "first" }) },
    });
    expect(fresh).toMatchObject({ duplicate: false, place: { seq: 2 } });
    expect(await appendAsBefore("again", "b")).toEqual({ seq: 2, duplicate: true });
    expect(await appendAsBefore("third", "c")).toEqual({ seq: 3, duplicate: false });
    await Promise.all([log.close(), client.close()]);
  });

  test("is migrated once by processes that start together", async () => {
    const logs = await Promise.all(Array.from({ length: 4 }, () => openPostgresLog({ url })));
    await Promise.all(logs.map((log) => log.close()));
    await psql(url, "CREATE ROLE plain LOGIN");
    const owned = await postgres.createDatabase("owned");
    await psql(owned, "GRANT CREATE ON DATABASE owned TO plain");
    const log = await openPostgresLog({ url: owned.replace("ovation@", "plain@") });
    expect((await appendOne(log, "x")).seq).toBe(1);
    expect((await log.changes(0, 10)).heads).toHaveLength(1);
    // The owner's statements are hidden from the plain role; what is settled does not hang on them.
    const owner = await openPostgresLog({ url: owned });
    const place = await appendOne(owner, "y");
    const changes = await log.changes(0, 10);
    expect(changes.stamp).toBe(place.stamp);
    expect(changes.heads[0]?.seq).toBe(2);
    expect(parseTopic(`${changes.heads[0]?.topic}`)).toBe(topic);
    await Promise.all([log.close(), owner.close()]);
  });
});
