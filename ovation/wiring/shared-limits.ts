/**
 * The rate limits and presence of a comments process, in the store that all processes share.
 * Without a store, each process has limits of its own and every member is offline.
 */

import {
  createMemoryRateLimiter,
  createRateLimiterOff,
  createSharedRateLimiter,
  type RateLimiter,
} from "@ovation/comments";
import { steadyClock } from "@ovation/protocol";
import { openTable, type SharedStore } from "@ovation/table";
import { createFailureLogger } from "../logging/failure-logger.ts";
import type { Settings } from "../settings/settings.ts";
import type { Dependencies } from "./dependencies.ts";

export interface SharedLimits {
  readonly limiter: RateLimiter;
  readonly shared: SharedStore | undefined;
  close(): Promise<void>;
}

export function openSharedLimits(
  url: string | undefined,
  settings: Settings,
  dependencies: Dependencies,
): SharedLimits {
  if (url === undefined)
    return { limiter: limiterOf(settings), shared: undefined, close: async () => undefined };
  const state = dependencies.add("table", "the subscription table's store", "never");
  const table = openTable({ url, onState: (now, why) => now === "lost" && state.away(why) });
  state.watch(() => table.ping());
  const { shared } = table;
  return { limiter: limiterOf(settings, shared), shared, close: () => table.close() };
}

function limiterOf(settings: Settings, shared?: SharedStore): RateLimiter {
  if (!settings.rateLimits) return createRateLimiterOff();
  const local = createMemoryRateLimiter({ clock: steadyClock });
  if (shared === undefined) return local;
  const onFailure = createFailureLogger(settings.logger);
  return createSharedRateLimiter({
    shared,
    local,
    onFailure: (error) => onFailure("rate limits", error),
  });
}
