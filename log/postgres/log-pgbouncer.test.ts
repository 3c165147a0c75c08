/**
 * The whole contract of a log through PgBouncer in transaction mode: with a configuration that
 * refuses our startup parameters (its default), and with one that drops them.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { toJsonText, topicOf } from "@ovation/protocol";
import { startPgBouncer, type TestPgBouncer } from "../../testing/pgbouncer.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { logContract } from "../log.contract.ts";
import { LogClient } from "./log-client.ts";
import { openPostgresLog } from "./log-postgres.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let postgres: TestPostgres;
let direct: string;
let pooler: TestPgBouncer;
let dropping: TestPgBouncer;
beforeAll(async () => {
  postgres = await startPostgres();
  direct = await postgres.createDatabase("pooled");
  pooler = await startPgBouncer(direct, { poolMode: "transaction" });
  dropping = await startPgBouncer(direct, {
    poolMode: "transaction",
    ignoreStartupParameters: [
      "statement_timeout",
      "idle_in_transaction_session_timeout",
      "default_transaction_isolation",
    ],
    poolSize: 2,
  });
});
afterAll(async () => {
  await Promise.all([pooler.stop(), dropping.stop()]);
  await postgres.stop();
});

logContract(
  "PostgreSQL behind PgBouncer in transaction mode",
  async ({ policy }) => {
    const client = new LogClient(direct);
    await client.query("reads", "DROP SCHEMA IF EXISTS ovation_log CASCADE");
    await client.close();
    const url = pooler.through(direct);
    const [log, other] = await Promise.all([
      openPostgresLog({ url, policy }),
      openPostgresLog({ url, policy }),
    ]);
    return {
      log,
      other,
      async dispose() {
        await Promise.all([log.close(), other.close()]);
      },
    };
  },
  { hasOwnClock: false },
);

describe("a pooler that drops startup parameters", () => {
  test("four logs that share two server connections append, with one log line each", async () => {
    const said: string[] = [];
    const url = dropping.through(direct);
    const logs = await Promise.all(
      [0, 1, 2, 3].map(() => openPostgresLog({ url, onPooler: (what) => said.push(what) })),
    );
    const topic = topicOf("video", "shared");
    const rounds = 50;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        logs.flatMap((log) => [
          log.append([{ topic, type: "comment", at: round, data: toJsonText({ round }) }]),
          log.heads([topic]),
          log.read(topic, { after: 0, limit: 10 }),
        ]),
      );
    }
    const [head] = await logs[0]!.heads([topic]);
    expect(head?.seq).toBe(rounds * logs.length);
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThanOrEqual(logs.length);
    expect(said[0]).toContain("pooler in transaction mode");
    expect(said[0]).not.toContain("ovation@");
    await Promise.all(logs.map((log) => log.close()));
  });
});
