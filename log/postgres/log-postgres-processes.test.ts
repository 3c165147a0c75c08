import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Topic, topicOf } from "@ovation/protocol";
import { databasePerTest } from "../../testing/database-per-test.ts";
import { type Ack, startAppender } from "../testing/appender.ts";
import { appendOne, entry, TOPIC as topic } from "../testing/entries.ts";
import { LogClient } from "./log-client.ts";
import { openPostgresLog } from "./log-postgres.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let url: string;
databasePerTest((own) => {
  url = own;
});

describe("several processes on one PostgreSQL log", () => {
  test("give a hot topic numbers without hole or repeat although one is killed", async () => {
    const steady = startAppender(url, topic, "steady", 1500);
    const killed = startAppender(url, topic, "killed", 1_000_000);
    await killed.reached(400);
    await killed.kill();
    const successor = startAppender(url, topic, "successor", 500);
    expect(await steady.done).toBe(0);
    expect(await successor.done).toBe(0);
    const acks: Ack[] = [steady, killed, successor].flatMap((writer) => writer.acks);

    const log = await openPostgresLog({ url });
    const [head] = await log.heads([topic]);
    const kept: string[] = [];
    while (kept.length < (head?.seq ?? 0)) {
      const page = await log.read(topic, { after: kept.length, limit: 1000 });
      for (const event of page.events) {
        expect(event.place.seq).toBe(kept.length + 1);
        kept.push(JSON.parse(event.data).key);
      }
    }
    expect(acks.length).toBeGreaterThanOrEqual(2400);
    for (const { seq, key } of acks) expect(kept[seq - 1]).toBe(key);
    expect(new Set(kept).size).toBe(kept.length);
    await log.close();
  });

  test("share keys", async () => {
    const logs = await Promise.all([
      openPostgresLog({ url }),
      openPostgresLog({ url }),
      openPostgresLog({ url }),
    ]);
    const calls = Array.from({ length: 60 }, (_, index) =>
      logs[index % 3]?.append([{ ...entry(`${index}`), key: `key ${index % 10}` }]),
    );
    const answers = (await Promise.all(calls)).map((one) => one?.[0]);
    expect(answers.filter((one) => one?.duplicate === false)).toHaveLength(10);
    for (const [index, one] of answers.entries())
      expect(one?.place.seq).toBe(answers[index % 10]?.place.seq ?? -1);
    await Promise.all(logs.map((log) => log.close()));
  });

  test("do not deadlock over topics that they name in different orders", async () => {
    const logs = await Promise.all([openPostgresLog({ url }), openPostgresLog({ url })]);
    const topics = Array.from({ length: 20 }, (_, index) => topicOf("video", `t${index}`));
    const rounds = Array.from({ length: 40 }, (_, round) => {
      const ordered = round % 2 === 0 ? topics : topics.toReversed();
      return logs[round % 2]?.append(ordered.map((one) => entry("x", one)));
    });
    await Promise.all(rounds);
    for (const head of (await logs[0]?.heads(topics)) ?? []) expect(head.seq).toBe(40);
    await Promise.all(logs.map((log) => log.close()));
  });

  test("miss no change for a reader that follows them from stamp to stamp", async () => {
    const writers = await Promise.all([openPostgresLog({ url }), openPostgresLog({ url })]);
    const follower = await openPostgresLog({ url });
    let isWriting = true;
    // What is written before a follower asks for the first time is not news to it.
    const begun = (await follower.changes(-1, 1)).stamp;
    async function follow(): Promise<Set<Topic>> {
      const seen = new Set<Topic>();
      let since = begun;
      for (let isLast = false; !isLast; ) {
        isLast = !isWriting;
        for (let more = true; more; ) {
          const changes = await follower.changes(since, 20);
          expect(changes.stamp).toBeGreaterThanOrEqual(since);
          since = changes.stamp;
          more = changes.more;
          for (const head of changes.heads) seen.add(head.topic);
        }
      }
      return seen;
    }
    // Several at once: what one of them concludes must not mislead another.
    const following = Promise.all([follow(), follow(), follow()]);
    // Every event is the only one of its topic, so one that is missed stays missed.
    const written: Topic[] = [];
    for (let round = 0; round < 40; round++) {
      const calls = writers.flatMap((log, writer) =>
        Array.from({ length: 5 }, (_, call) => {
          const fresh = topicOf("video", `${writer}-${round}-${call}`);
          written.push(fresh);
          return log.append([entry("x", fresh)]);
        }),
      );
      await Promise.all(calls);
    }
    isWriting = false;
    for (const seen of await following) expect(written.filter((one) => !seen.has(one))).toEqual([]);
    await Promise.all([...writers, follower].map((log) => log.close()));
  });

  test("follow the present although the server's clock was an hour fast before", async () => {
    const [log, writer] = await Promise.all([openPostgresLog({ url }), openPostgresLog({ url })]);
    const clock = (offsetMs: number) =>
      `CREATE OR REPLACE FUNCTION ovation_log.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
       $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${offsetMs} $$`;
    const server = new LogClient(url);
    let { stamp } = await log.changes(-1, 10);
    for (const offsetMs of [0, 3_600_000, 0, -3_600_000, 0]) {
      await server.query("reads", clock(offsetMs));
      for (const text of ["one", "two"]) {
        const place = await appendOne(writer, `${text} at ${offsetMs}`);
        const changes = await log.changes(stamp, 10);
        expect(changes.heads).toHaveLength(1);
        // A viewer that returns elsewhere with this stamp gets no event twice.
        expect(changes.stamp).toBe(place.stamp);
        expect(place.stamp).toBeGreaterThan(stamp);
        stamp = changes.stamp;
      }
    }
    await Promise.all([log.close(), writer.close(), server.close()]);
  });

  test("wait for the appends of others and for no other long transaction", async () => {
    const log = await openPostgresLog({ url });
    const other = new LogClient(url);
    const [began, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ending = other.transaction("appends", async (query) => {
      await query("CREATE TABLE of_another_program (id integer)");
      began.resolve();
      await mayEnd.promise;
    });
    await began.promise;
    const { stamp } = await appendOne(log, "meanwhile");
    expect((await log.changes(-1, 10)).stamp).toBe(stamp);
    mayEnd.resolve();
    await ending;
    await Promise.all([log.close(), other.close()]);
  });

  test("keep the stamp of changes below that of an append in flight", async () => {
    const log = await openPostgresLog({ url });
    await appendOne(log, "first");
    const slow = new LogClient(url);
    const [began, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const late = topicOf("video", "late");
    const ending = slow.transaction("appends", async (query) => {
      const statement = `SELECT * FROM ovation_log.append_group('slow1', ARRAY[$1], '{1}',
        '{comment}', '{1}', '{1}', '{1}', '{1}', '{"{}"}', '{NULL}', '{}', '{}', '{}')`;
      await query(statement, [late]);
      began.resolve();
      await mayEnd.promise;
    });
    await began.promise;
    const second = await appendOne(log, "second");
    const during = await log.changes(0, 10);
    expect(during.heads.map((head) => head.topic)).toEqual([topic]);
    expect(during.stamp).toBeLessThan(second.stamp);
    // Who begins meanwhile is told what is settled, or that it is not known.
    const beginner = await openPostgresLog({ url });
    await expect(beginner.changes(-1, 10)).rejects.toThrow(/an append .* has not ended/);
    await beginner.close();
    mayEnd.resolve();
    await ending;
    const after = await log.changes(during.stamp, 10);
    expect(after.heads.map((head) => head.topic)).toContain(late);
    await Promise.all([log.close(), slow.close()]);
  });
});
