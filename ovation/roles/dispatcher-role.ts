/**
 * `ovation dispatcher`: publish, lookup, dispatch, forward. Its public listener takes `/v1/publish` from
 * servers; its internal one the calls of frontends, backends and other data centres.
 */

import { randomBytes } from "node:crypto";
import {
  createDispatcherListRoute,
  createHttpFrontendCalls,
  createInternalClient,
  createPeerRoutes,
  createPeers,
  createPublisherApiRoutes,
  createPublishRoute,
  createUpstreamRoutes,
  createWebSocketLinks,
  Dispatcher,
  DispatcherRegistry,
  formatPeerCaller,
  PeerDirectory,
  PeerViewers,
} from "@ovation/dispatcher";
import { frontendIdFrom, steadyClock, systemClock, topicOf } from "@ovation/protocol";
import {
  createRedisSharedStore,
  createRedisTable,
  createRedisViewerCounts,
  openRedisStore,
  RedisDispatcherLeases,
} from "@ovation/table";
import { Registry } from "prom-client";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { createLinkLimitLogger } from "../logging/link-limit-logger.ts";
import {
  registerDispatcherMetrics,
  registerKnownDispatchers,
  registerLinkMetrics,
  registerReceiverMetrics,
} from "../metrics/dispatcher-metrics.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import type { ValuesOf } from "../settings/schema.ts";
import type { Settings } from "../settings/settings.ts";
import { CLOSE_MS_MAX, closeWithin } from "../wiring/close-within.ts";
import { openClusterLog } from "../wiring/cluster-log.ts";
import { type ClusterPresence, openClusterPresence } from "../wiring/cluster-presence.ts";
import { createDependencies } from "../wiring/dependencies.ts";
import { listenEarly } from "../wiring/early-listener.ts";
import { createInternalCalls, type InternalSettings } from "../wiring/internal-calls.ts";
import { watchLog } from "../wiring/log-health.ts";
import { retentionOf, startUpkeep } from "../wiring/upkeep.ts";
import type { RunningRole } from "./running-role.ts";

export interface DispatcherRoleOptions {
  readonly settings: Settings & ValuesOf<"dispatcher">;
  readonly internal: InternalSettings;
}

export async function startDispatcherRole(options: DispatcherRoleOptions): Promise<RunningRole> {
  const { settings } = options;
  const { datacenter } = settings;
  const { policy, logger } = settings;
  const clock = systemClock;
  const registry = new Registry();
  registerProcessMetrics(registry);
  const onFailure = createFailureLogger(logger);
  const {
    auth,
    refusals,
    tls,
    listen: listenInternally,
  } = createInternalCalls(settings, options.internal, registry);
  const secured = tls === undefined ? {} : { tls };
  const { authenticate } = await createLiveVerifier(settings);

  const dispatcherId = frontendIdFrom(randomBytes(8));
  const dependencies = createDependencies(logger, registry, steadyClock);
  const tableState = dependencies.add("table", "the subscription table's store", "always");
  const databaseState = dependencies.add("database", "the database", "at-start");
  const listener = listenEarly(settings, registry, dependencies);
  const store = openRedisStore({
    url: settings.table,
    onState: (state, why) => state === "lost" && tableState.away(why),
  });
  const table = createRedisTable({ store });
  // What every publish needs, and what every renewal does: to read leases and rows, and to write.
  tableState.watch(() =>
    Promise.all([table.lookup([topicOf("frontend", dispatcherId)]), store.ping()]),
  );
  const ownCounts = createRedisViewerCounts({ store, withholds: true });
  const { log, ask } = watchLog(
    await openClusterLog(settings.database, settings, databaseState),
    steadyClock,
  );
  const client = createInternalClient({
    auth,
    from: formatPeerCaller(datacenter, dispatcherId),
    ...secured,
  });
  const viewers =
    settings.peers.length === 0
      ? undefined
      : new PeerViewers({ counts: ownCounts, peers: [], client, clock: steadyClock, onFailure });
  const counts = viewers ?? ownCounts;
  const from = `dispatcher ${dispatcherId}`;
  const links = createWebSocketLinks({
    auth,
    from,
    policy,
    clock: steadyClock,
    onGone: (frontend) => void dispatcher.dropViewersOf(frontend),
    onLimit: createLinkLimitLogger(logger),
    ...secured,
  });
  const peers = createPeers({
    dispatcherId,
    peers: [],
    client,
    policy,
    clock: steadyClock,
    forwardTtlMs: settings.forwardTtlMs,
    forward: settings.forward,
    onState: (peer, state, detail) => logger.info({ peer, state, detail }, "data centre"),
  });
  const directory = new PeerDirectory({
    datacenter,
    peers: settings.peers,
    client,
    clock: steadyClock,
    onKnown(peer) {
      peers.add(peer);
      viewers?.add(peer);
    },
    onAnswer: (url, answer) =>
      ("error" in answer ? logger.warn : logger.info).call(
        logger,
        { url, ...answer },
        "peer without a name",
      ),
  });
  const dispatcher = new Dispatcher({
    table,
    clock: steadyClock,
    counts,
    log,
    links,
    calls: createHttpFrontendCalls({ auth, from, ...secured }),
    policy,
    forward: (events) => peers.forward(events),
    upgradedOf: (guests) => presence.upgraded(guests),
    onPresent: (members, staff) => presence.heartbeat(members, staff),
    onFailure,
  });
  const shared = createRedisSharedStore(store);
  const presence: ClusterPresence = await openClusterPresence({
    settings,
    database: { url: settings.database, state: databaseState },
    log,
    publisherApi: dispatcher,
    authenticate,
    values: shared,
  });
  registerDispatcherMetrics(registry, dispatcher);
  registerLinkMetrics(registry, links, peers);
  const stopUpkeep = startUpkeep({
    keeper: log,
    tasks: [retentionOf(log), ...presence.upkeep],
    onFailure,
  });
  const incoming = createPeerRoutes({
    auth,
    refusals,
    datacenter,
    clock: steadyClock,
    counts: ownCounts,
    table,
    shared,
    receive: (events) => dispatcher.receive(events),
    onFailure,
  });
  registerReceiverMetrics(registry, incoming.stats);
  const internalListener = listenInternally([
    createDispatcherListRoute({
      ...{ auth, refusals },
      registry: {
        get self() {
          return known.self;
        },
        get list() {
          return known.list;
        },
      },
    }),
    ...createUpstreamRoutes({ auth, refusals, dispatcher }),
    ...createPublisherApiRoutes({ auth, refusals, publisherApi: dispatcher }),
    ...incoming.routes,
  ]);
  const known = new DispatcherRegistry({
    self: { id: dispatcherId, url: internalListener.url },
    leases: new RedisDispatcherLeases(store),
    clock: steadyClock,
    onFailure,
  });
  void known.start();
  registerKnownDispatchers(registry, () => known.list.length);
  databaseState.watch(ask);
  listener.serve([
    createPublishRoute({
      authenticate,
      policy,
      log,
      clock,
      isDeleted: (topic) => presence.isDeleted(topic),
      publish: (events) => dispatcher.publish(events),
    }),
  ]);
  return {
    url: listener.url,
    async stop() {
      dependencies.leave();
      await closeWithin(CLOSE_MS_MAX, [known.close()]);
      const upkeep = stopUpkeep();
      await listener.stop(false);
      await presence.close();
      directory.close();
      await peers.close();
      await links.close();
      await internalListener.stop();
      await closeWithin(CLOSE_MS_MAX, [upkeep, table.close(), counts.close(), log.close()]);
      await closeWithin(CLOSE_MS_MAX, [store.close()]);
      return [];
    },
  };
}
