import { setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logContract } from "../log.contract.ts";
import { openSqliteLog } from "./log-sqlite.ts";

// Real servers and disks, on machines that are busy with other tests.
setDefaultTimeout(60_000);

logContract(
  "SQLite",
  async (options) => {
    const directory = mkdtempSync(join(tmpdir(), "ovation-log-"));
    const path = join(directory, "log.sqlite");
    const log = await openSqliteLog({ path, ...options });
    const other = await openSqliteLog({ path, ...options });
    return {
      log,
      other,
      async dispose() {
        await Promise.all([log.close(), other.close()]);
        rmSync(directory, { recursive: true });
      },
    };
  },
  { hasOwnClock: true },
);
