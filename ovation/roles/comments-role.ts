/** `ovation comments`: comments, likes, videos, guests, and the pages. Publishes to any dispatcher. */

import {
  createMemoryRateLimiter,
  createRateLimiterOff,
  createSharedRateLimiter,
  openPostgresMemberStores,
  openPostgresVideoStore,
} from "@ovation/comments";
import { createHttpPublisherApi } from "@ovation/dispatcher";
import { steadyClock } from "@ovation/protocol";
import { createRedisSharedStore, openRedisStore } from "@ovation/table";
import { createPages } from "@ovation/web";
import { Counter, Registry } from "prom-client";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createPageSource } from "../page-source.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import { CLOSE_MS_MAX, closeWithin } from "../wiring/close-within.ts";
import { createCommentsPart } from "../wiring/comments-part.ts";
import { openClusterLog, patiently } from "../wiring/database-part.ts";
import { createDependencies } from "../wiring/dependencies.ts";
import { listenEarly } from "../wiring/early-listener.ts";
import { createInternalPart, type InternalSettings } from "../wiring/internal-part.ts";
import { watchLog } from "../wiring/log-health.ts";
import {
  failureLogger,
  type Node,
  pageRulesOf,
  type Settings,
  sentencesOf,
} from "../wiring/settings.ts";

export interface CommentsRoleOptions {
  readonly settings: Settings;
  readonly internal: InternalSettings;
  readonly dispatchers: readonly string[];
  readonly database: string;
  /** The table's store, for limits that all comments processes share; without it each has its own. */
  readonly table: string | undefined;
}

export async function startCommentsRole(options: CommentsRoleOptions): Promise<Node> {
  const { settings, dispatchers, database } = options;
  const registry = new Registry();
  registerProcessMetrics(registry);
  const { auth, tls } = createInternalPart(settings, options.internal, registry);
  const { authenticate } = await createLiveVerifier(settings);
  const dependencies = createDependencies(settings.logger, registry, steadyClock);
  const databaseState = dependencies.add("database", "the database", "at-start");
  const listener = listenEarly(settings, registry, dependencies);
  const shared = options.table === undefined ? undefined : openTable(options.table);
  const { log, ask } = watchLog(
    await openClusterLog(database, settings, databaseState),
    steadyClock,
  );
  const store = await patiently(databaseState, () => openPostgresVideoStore({ url: database }));
  const members = await patiently(databaseState, () => openPostgresMemberStores({ url: database }));
  const unanswered = new Counter({
    name: "ovation_publish_unanswered_events_total",
    help: "Live events in calls that no dispatcher answered: lost, or dispatched and not said",
    registers: [registry],
  });
  const publisherApi = createHttpPublisherApi({
    dispatchers,
    auth,
    random: Math.random,
    onUnanswered: (events) => unanswered.inc(events),
    ...(tls === undefined ? {} : { tls }),
  });
  const values = shared === undefined ? undefined : createRedisSharedStore(shared);
  const comments = createCommentsPart({
    settings,
    log,
    store,
    members,
    ...(values === undefined ? {} : { presence: values }),
    publisherApi,
    authenticate,
    registry,
    limiter: limiter(),
  });

  /** Without it limits are each process's own, and nobody is said to be online. */
  function openTable(url: string) {
    const state = dependencies.add("table", "the subscription table's store", "never");
    const opened = openRedisStore({
      url,
      onState: (now, why) => now === "lost" && state.away(why),
    });
    state.watch(() => opened.ping());
    return opened;
  }

  function limiter() {
    if (!settings.rateLimits) return createRateLimiterOff();
    const local = createMemoryRateLimiter({ clock: steadyClock });
    if (values === undefined) return local;
    const onFailure = failureLogger(settings.logger);
    return createSharedRateLimiter({
      shared: values,
      local,
      onFailure: (error) => onFailure("rate limits", error),
    });
  }

  databaseState.watch(ask);
  const pages = await createPages(createPageSource(comments.routes, pageRulesOf(settings)));
  listener.serve([...comments.routes, ...pages.routes], pages.problemPage);
  return {
    url: listener.url,
    async stop() {
      dependencies.leave();
      await listener.stop(false);
      const lost = await comments.close();
      await closeWithin(CLOSE_MS_MAX, [
        store.close(),
        members.close(),
        log.close(),
        shared?.close(),
      ]);
      return sentencesOf(lost);
    },
  };
}
