/**
 * The core of an installation on one machine: dispatcher, comments, log and table in this process, on
 * embedded defaults. Frontends are joined to it by links and an `Upstream`: in this process or beside it.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Comments } from "@ovation/comments";
import {
  createPublishRoute,
  Dispatcher,
  type FrontendCalls,
  type FrontendLinks,
} from "@ovation/dispatcher";
import { type Log, openSqliteLog } from "@ovation/log";
import { type Route, steadyClock, systemClock } from "@ovation/protocol";
import {
  createMemorySharedStore,
  createMemoryTable,
  createMemoryViewerCounts,
} from "@ovation/table";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { registerDispatcherMetrics } from "../metrics/dispatcher-metrics.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import type { Settings } from "../settings/settings.ts";
import type { Verifier } from "../tokens/mod.ts";
import {
  createCommentsService,
  localStoresOf,
  openLocalMembers,
  openLocalStore,
} from "./comments-service.ts";
import { startDataChecker } from "./data-checker.ts";
import { createDataDamage } from "./data-damage.ts";
import { createDependencies } from "./dependencies.ts";
import { watchLog } from "./log-health.ts";
import { describeLostLikes } from "./lost-likes.ts";
import { retentionOf, startUpkeep } from "./upkeep.ts";

export interface Core {
  readonly dispatcher: Dispatcher;
  readonly comments: Comments;
  readonly verifier: Verifier;
  readonly log: Log;
  /** Publish, comments, likes, videos, guests. */
  readonly routes: readonly Route[];
  /** What the core cannot do at the moment: each makes the process `degraded`. */
  readonly checks: readonly ReadinessCheck[];
  /** Finishes what was begun and closes what was opened; see `Node`. Frontends are gone before. */
  stop(): Promise<readonly string[]>;
}

export async function openCore(
  settings: Settings,
  links: FrontendLinks,
  calls: FrontendCalls,
  registry: Registry,
): Promise<Core> {
  const { policy } = settings;
  const clock = systemClock;
  const onFailure = createFailureLogger(settings.logger);
  mkdirSync(settings.dataDirectory, { recursive: true });
  const verifier = await createLiveVerifier(settings);
  const damage = createDataDamage(settings.logger, registry, steadyClock);
  const path = join(settings.dataDirectory, "log.sqlite");
  const opened = await openSqliteLog({ path, clock, policy });
  const { log, ask } = watchLog(opened, steadyClock, damage.report);
  const dependencies = createDependencies(settings.logger, registry, steadyClock);
  const store = openLocalStore(settings, damage.report);
  const members = openLocalMembers(settings, damage.report);
  const shared = createMemorySharedStore({ clock: steadyClock });
  const table = createMemoryTable({ clock: steadyClock });
  const counts = createMemoryViewerCounts({ clock: steadyClock });
  const dispatcher = new Dispatcher({
    table,
    clock: steadyClock,
    counts,
    log,
    links,
    calls,
    policy,
    upgradedOf: (guests) => comments.upgraded(guests),
    onPresent: (present, staff) => comments.heartbeat(present, staff),
    onFailure,
  });
  const { authenticate } = verifier;
  const comments: Comments = createCommentsService({
    settings,
    log,
    store,
    members,
    presence: shared,
    publisherApi: dispatcher,
    authenticate,
    registry,
  });
  registerDispatcherMetrics(registry, dispatcher);
  dependencies.add("log", "the log", "never").watch(ask);
  const stopUpkeep = startUpkeep({
    keeper: log,
    tasks: [retentionOf(log), ...comments.upkeep],
    onFailure,
  });
  const stopChecker = startDataChecker({
    log: path,
    stores: localStoresOf(settings),
    damage,
    registry,
    clock: steadyClock,
    onFailure,
  });
  return {
    dispatcher,
    comments,
    verifier,
    log,
    checks: [
      ...dependencies.checks.filter(([name]) => name === "log"),
      ["comments", () => comments.recentFailure(), () => "degraded"],
      damage.check,
    ],
    routes: [
      createPublishRoute({
        authenticate,
        policy,
        log,
        clock,
        isDeleted: (topic) => comments.isDeleted(topic),
        publish: (events) => dispatcher.publish(events),
      }),
      ...comments.routes,
    ],
    async stop() {
      dependencies.leave();
      stopChecker();
      await stopUpkeep();
      const lost = await comments.close();
      await links.close();
      await Promise.all([
        table.close(),
        counts.close(),
        shared.close(),
        store.close(),
        members.close(),
        log.close(),
      ]);
      return describeLostLikes(lost);
    },
  };
}
