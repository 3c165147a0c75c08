/** The database that the dispatchers and comments processes of a cluster share: the log and the store. */

import { type Log, type LogKeeper, LogUnavailableError, openLog } from "@ovation/log";
import { systemClock } from "@ovation/protocol";
import type { Settings } from "./settings.ts";

const RETRY_MS = 1000;

/**
 * Opens the log, and waits for a database that is not there yet: processes of a cluster may start in any
 * order. Rejects where it is one that this version may not write.
 */
export async function openClusterLog(url: string, settings: Settings): Promise<Log & LogKeeper> {
  return await patiently("database", settings, () => openLog({ url, clock: systemClock, policy: settings.policy }));
}

/** Tries until it is there; says so once. */
export async function patiently<Value>(what: string, { logger }: Settings, open: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      const opened = await open();
      if (attempt > 1) logger.info({ what }, "reached");
      return opened;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (attempt === 1)
        logger.warn({ what, reason: error instanceof Error ? error.message : String(error) }, "not reached yet, trying again");
      await new Promise<void>((resolve) => systemClock.after(RETRY_MS, resolve));
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof LogUnavailableError || (error instanceof Error && error.name === "StoreUnavailableError");
}
