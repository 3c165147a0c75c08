import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { logContract } from "../log.contract.ts";
import { LogClient } from "./log-client.ts";
import { openPostgresLog } from "./log-postgres.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

let postgres: TestPostgres;
let url: string;
beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase("log");
});
afterAll(() => postgres.stop());

logContract(
  "PostgreSQL",
  async ({ policy }) => {
    // An empty schema is to be had ten times faster than an empty database.
    const client = new LogClient(url);
    await client.query("reads", "DROP SCHEMA IF EXISTS ovation_log CASCADE");
    await client.close();
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
