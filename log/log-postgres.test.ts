import { afterAll, beforeAll } from "bun:test";
import { logContract } from "./log.contract.ts";
import { openPostgresLog } from "./log-postgres.ts";
import { startPostgres, type TestPostgres } from "./testing/postgres.ts";

let postgres: TestPostgres;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

logContract(
  "PostgreSQL",
  async ({ policy }) => {
    const url = await postgres.createDatabase(`log${++databases}`);
    const [log, other] = await Promise.all([openPostgresLog({ url, policy }), openPostgresLog({ url, policy })]);
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
