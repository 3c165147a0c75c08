/** `ovation comments`: comments, likes, videos, guests, and pages. Publishes to any dispatcher. */

import { openPostgresMemberStores, openPostgresVideoStore } from "@ovation/comments";
import { createHttpPublisherApi } from "@ovation/dispatcher";
import { steadyClock } from "@ovation/protocol";
import { createPages } from "@ovation/web";
import { Counter, Registry } from "prom-client";
import { registerKnownDispatchers } from "../metrics/dispatcher-metrics.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createPageSource } from "../page-source.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import type { ValuesOf } from "../settings/schema.ts";
import { pageRulesOf, type Settings } from "../settings/settings.ts";
import { CLOSE_MS_MAX, closeWithin } from "../wiring/close-within.ts";
import { openClusterLog, untilReachable } from "../wiring/cluster-log.ts";
import { createCommentsService } from "../wiring/comments-service.ts";
import { createDependencies } from "../wiring/dependencies.ts";
import { listenEarly } from "../wiring/early-listener.ts";
import { createInternalCalls, type InternalSettings } from "../wiring/internal-calls.ts";
import { watchLog } from "../wiring/log-health.ts";
import { describeLostLikes } from "../wiring/lost-likes.ts";
import { openSharedLimits } from "../wiring/shared-limits.ts";
import type { RunningRole } from "./running-role.ts";

export interface CommentsRoleOptions {
  readonly settings: Settings & ValuesOf<"comments">;
  readonly internal: InternalSettings;
}

export async function startCommentsRole(options: CommentsRoleOptions): Promise<RunningRole> {
  const { settings } = options;
  const { dispatchers, database } = settings;
  const registry = new Registry();
  registerProcessMetrics(registry);
  const { auth, tls } = createInternalCalls(settings, options.internal, registry);
  const { authenticate } = await createLiveVerifier(settings);
  const dependencies = createDependencies(settings.logger, registry, steadyClock);
  const databaseState = dependencies.add("database", "the database", "at-start");
  const listener = listenEarly(settings, registry, dependencies);
  const limits = openSharedLimits(settings.table, settings, dependencies);
  const { log, ask } = watchLog(
    await openClusterLog(database, settings, databaseState),
    steadyClock,
  );
  const store = await untilReachable(databaseState, () =>
    openPostgresVideoStore({ url: database }),
  );
  const members = await untilReachable(databaseState, () =>
    openPostgresMemberStores({ url: database }),
  );
  const unanswered = new Counter({
    name: "ovation_publish_unanswered_events_total",
    help: "Live events in calls that no dispatcher answered: lost, or dispatched and not said",
    registers: [registry],
  });
  const publisherApi = createHttpPublisherApi({
    dispatchers,
    learns: settings.learnDispatchers,
    auth,
    clock: steadyClock,
    random: Math.random,
    onUnanswered: (events) => unanswered.inc(events),
    ...(tls === undefined ? {} : { tls }),
  });
  registerKnownDispatchers(registry, () => publisherApi.dispatchers.length);
  const comments = createCommentsService({
    settings,
    log,
    store,
    members,
    ...(limits.shared === undefined ? {} : { presence: limits.shared }),
    publisherApi,
    authenticate,
    registry,
    limiter: limits.limiter,
  });

  databaseState.watch(ask);
  const pages = await createPages(createPageSource(comments.routes, pageRulesOf(settings)));
  listener.serve([...comments.routes, ...pages.routes], pages.problemPage);
  return {
    url: listener.url,
    async stop() {
      dependencies.leave();
      await listener.stop(false);
      const lost = await comments.close();
      publisherApi.close();
      await closeWithin(CLOSE_MS_MAX, [
        store.close(),
        members.close(),
        log.close(),
        limits.close(),
      ]);
      return describeLostLikes(lost);
    },
  };
}
