/**
 * The core of an installation on one machine: dispatcher, comments, log and table in this process,
 * on embedded defaults. Frontends, in this process or in workers, use it over links and an
 * `Upstream`.
 */

import type { Comments } from "@ovation/comments";
import {
  createPublishRoute,
  Dispatcher,
  type FrontendCalls,
  type FrontendLinks,
} from "@ovation/dispatcher";
import type { Log } from "@ovation/log";
import { type Route, steadyClock, systemClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { registerDispatcherMetrics } from "../metrics/dispatcher-metrics.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import type { Settings } from "../settings/settings.ts";
import type { Verifier } from "../tokens/mod.ts";
import { createCommentsService, localStoresOf } from "./comments-service.ts";
import { openCoreStores } from "./core-stores.ts";
import { startDataChecker } from "./data-checker.ts";
import { createDataDamage } from "./data-damage.ts";
import { createDependencies } from "./dependencies.ts";
import { describeLostLikes } from "./lost-likes.ts";
import { retentionOf, startUpkeep } from "./upkeep.ts";

export interface Core {
  readonly dispatcher: Dispatcher;
  readonly comments: Comments;
  readonly verifier: Verifier;
  readonly log: Log;
  /** Publish, comments, likes, videos, guests. */
  readonly routes: readonly Route[];
  /** Current failures: each makes the process `degraded`. */
  readonly checks: readonly ReadinessCheck[];
  /** Finishes requests and closes all stores; as `RunningRole`. Frontends are closed before. */
  stop(): Promise<readonly string[]>;
}

export async function openCore(
  settings: Settings,
  links: FrontendLinks,
  calls: FrontendCalls,
  registry: Registry,
): Promise<Core> {
  const { policy } = settings;
  const onFailure = createFailureLogger(settings.logger);
  const verifier = await createLiveVerifier(settings);
  const { authenticate } = verifier;
  const damage = createDataDamage(settings.logger, registry, steadyClock);
  const stores = await openCoreStores(settings, damage.report);
  const { log, table, store, members } = stores;
  const dependencies = createDependencies(settings.logger, registry, steadyClock);
  const dispatcher = new Dispatcher({
    table: table.subscriptions,
    counts: table.counts,
    log,
    links,
    calls,
    policy,
    onFailure,
    clock: steadyClock,
    upgradedOf: (guests) => comments.upgraded(guests),
    onPresent: (present, staff) => comments.heartbeat(present, staff),
  });
  const comments: Comments = createCommentsService({
    settings,
    log,
    store,
    members,
    authenticate,
    registry,
    presence: table.shared,
    publisherApi: dispatcher,
  });
  registerDispatcherMetrics(registry, dispatcher);
  dependencies.add("log", "the log", "never").watch(stores.ask);
  const tasks = [retentionOf(log), ...comments.upkeep];
  const stopUpkeep = startUpkeep({ keeper: log, tasks, onFailure });
  const stopChecker = startDataChecker({
    log: stores.logPath,
    stores: localStoresOf(settings),
    damage,
    registry,
    clock: steadyClock,
    onFailure,
  });
  const publish = createPublishRoute({
    authenticate,
    policy,
    log,
    clock: systemClock,
    isDeleted: (topic) => comments.isDeleted(topic),
    publish: (events) => dispatcher.publish(events),
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
    routes: [publish, ...comments.routes],
    async stop() {
      dependencies.leave();
      stopChecker();
      await stopUpkeep();
      const lost = await comments.close();
      await links.close();
      await stores.close();
      return describeLostLikes(lost);
    },
  };
}
