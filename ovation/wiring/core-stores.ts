/** What a core keeps: log, videos and members in the data directory, the table in memory. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { MemberStores, VideoStore } from "@ovation/comments";
import { openSqliteLog } from "@ovation/log";
import { steadyClock, systemClock } from "@ovation/protocol";
import { type DatacenterTable, MEMORY_TABLE, openTable } from "@ovation/table";
import type { Settings } from "../settings/settings.ts";
import { openLocalMembers, openLocalStore } from "./comments-service.ts";
import { type WatchedLog, watchLog } from "./log-health.ts";

export interface CoreStores extends WatchedLog {
  readonly logPath: string;
  readonly store: VideoStore;
  readonly members: MemberStores;
  readonly table: DatacenterTable;
  close(): Promise<void>;
}

export async function openCoreStores(
  settings: Settings,
  onDamage: (what: string) => void,
): Promise<CoreStores> {
  const { dataDirectory, policy } = settings;
  mkdirSync(dataDirectory, { recursive: true });
  const logPath = join(dataDirectory, "log.sqlite");
  const opened = await openSqliteLog({ path: logPath, clock: systemClock, policy });
  const { log, ask } = watchLog(opened, steadyClock, onDamage);
  const store = openLocalStore(settings, onDamage);
  const members = openLocalMembers(settings, onDamage);
  const table = openTable({ url: MEMORY_TABLE, clock: steadyClock });
  return {
    logPath,
    log,
    ask,
    store,
    members,
    table,
    async close() {
      await Promise.all([table, store, members, log].map((each) => each.close()));
    },
  };
}
