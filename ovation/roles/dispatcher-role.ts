/**
 * `ovation dispatcher`: publish, lookup, dispatch, forward. Its public listener takes `/v1/publish`
 * from servers; its internal one the calls of frontends, backends and other data centres.
 */

import { randomBytes } from "node:crypto";
import {
  createDispatcherListRoute,
  createHttpFrontendCalls,
  createPeerRoutes,
  createPublisherApiRoutes,
  createPublishRoute,
  createUpstreamRoutes,
  createWebSocketLinks,
  Dispatcher,
  DispatcherRegistry,
  type InternalListener,
  type PublishRouteOptions,
} from "@ovation/dispatcher";
import {
  type FrontendId,
  frontendIdFrom,
  type Route,
  steadyClock,
  systemClock,
} from "@ovation/protocol";
import type { DatacenterTable } from "@ovation/table";
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
import { openClusterTable } from "../wiring/cluster-table.ts";
import { createDependencies } from "../wiring/dependencies.ts";
import { listenEarly } from "../wiring/early-listener.ts";
import {
  createInternalCalls,
  type InternalCalls,
  type InternalSettings,
} from "../wiring/internal-calls.ts";
import { watchLog } from "../wiring/log-health.ts";
import { PeerNetwork } from "../wiring/peer-network.ts";
import { retentionOf, startUpkeep } from "../wiring/upkeep.ts";
import type { RunningRole } from "./running-role.ts";

export interface DispatcherRoleOptions {
  readonly settings: Settings & ValuesOf<"dispatcher">;
  readonly internal: InternalSettings;
}

export async function startDispatcherRole(options: DispatcherRoleOptions): Promise<RunningRole> {
  const { settings } = options;
  const { policy, logger, datacenter } = settings;
  const registry = new Registry();
  registerProcessMetrics(registry);
  const onFailure = createFailureLogger(logger);
  const calls = createInternalCalls(settings, options.internal, registry);
  const { authenticate } = await createLiveVerifier(settings);
  const id = frontendIdFrom(randomBytes(8));
  const stores = await openStores(settings, id, registry);
  const { dependencies, listener, table, log } = stores;
  const { auth, tls } = calls;
  const network = new PeerNetwork({
    settings,
    dispatcherId: id,
    auth,
    tls,
    counts: table.counts,
    onFailure,
  });
  const call = { auth, from: `dispatcher ${id}`, ...(tls === undefined ? {} : { tls }) };
  const links = createWebSocketLinks({
    ...call,
    policy,
    clock: steadyClock,
    onLimit: createLinkLimitLogger(logger),
    onGone: (frontend) => void dispatcher.dropViewersOf(frontend),
  });
  const dispatcher = new Dispatcher({
    table: table.subscriptions,
    counts: network.counts,
    log,
    links,
    policy,
    onFailure,
    clock: steadyClock,
    calls: createHttpFrontendCalls(call),
    forward: (events) => network.peers.forward(events),
    upgradedOf: (guests) => presence.upgraded(guests),
    onPresent: (members, staff) => presence.heartbeat(members, staff),
  });
  const presence: ClusterPresence = await openClusterPresence({
    settings,
    log,
    authenticate,
    publisherApi: dispatcher,
    values: table.shared,
    database: { url: settings.database, state: stores.database },
  });
  registerDispatcherMetrics(registry, dispatcher);
  registerLinkMetrics(registry, links, network.peers);
  const tasks = [retentionOf(log), ...presence.upkeep];
  const stopUpkeep = startUpkeep({ keeper: log, tasks, onFailure });
  const parts = { calls, table, dispatcher, registry, onFailure };
  const cluster = listenToCluster({ id, datacenter, ...parts });
  stores.database.watch(stores.ask);
  listener.serve([publishRouteOf({ authenticate, policy, log }, dispatcher, presence)]);
  return {
    url: listener.url,
    async stop() {
      dependencies.leave();
      await closeWithin(CLOSE_MS_MAX, [cluster.known.close()]);
      const upkeep = stopUpkeep();
      await listener.stop(false);
      await presence.close();
      await network.close();
      await links.close();
      await cluster.listener.stop();
      await closeWithin(CLOSE_MS_MAX, [upkeep, network.counts.close(), log.close()]);
      await closeWithin(CLOSE_MS_MAX, [table.close()]);
      return [];
    },
  };
}

/** Opens the public listener first, so that probes are answered while the stores are awaited. */
async function openStores(
  settings: DispatcherRoleOptions["settings"],
  id: FrontendId,
  registry: Registry,
) {
  const dependencies = createDependencies(settings.logger, registry, steadyClock);
  const tableState = dependencies.add("table", "the subscription table's store", "always");
  const database = dependencies.add("database", "the database", "at-start");
  const listener = listenEarly(settings, registry, dependencies);
  const table = openClusterTable(settings.table, id, tableState);
  const { log, ask } = watchLog(
    await openClusterLog(settings.database, settings, database),
    steadyClock,
  );
  return { dependencies, listener, table, database, log, ask };
}

function publishRouteOf(
  options: Pick<PublishRouteOptions, "authenticate" | "policy" | "log">,
  dispatcher: Dispatcher,
  presence: ClusterPresence,
): Route {
  return createPublishRoute({
    ...options,
    clock: systemClock,
    isDeleted: (topic) => presence.isDeleted(topic),
    publish: (events) => dispatcher.publish(events),
  });
}

interface ClusterListenerOptions {
  readonly id: FrontendId;
  readonly datacenter: string;
  readonly calls: InternalCalls;
  readonly table: DatacenterTable;
  readonly dispatcher: Dispatcher;
  readonly registry: Registry;
  onFailure(what: string, error: unknown): void;
}

interface ClusterListener {
  readonly listener: InternalListener;
  /** The dispatchers of this data centre, this one among them. */
  readonly known: DispatcherRegistry;
}

/** Takes the calls of the cluster's other processes, and registers this dispatcher for them. */
function listenToCluster({
  id,
  datacenter,
  calls,
  table,
  dispatcher,
  registry,
  onFailure,
}: ClusterListenerOptions): ClusterListener {
  const { auth, refusals } = calls;
  const { counts, shared, dispatchers: leases } = table;
  const incoming = createPeerRoutes({
    auth,
    refusals,
    datacenter,
    clock: steadyClock,
    counts,
    shared,
    onFailure,
    table: table.subscriptions,
    receive: (events) => dispatcher.receive(events),
  });
  registerReceiverMetrics(registry, incoming.stats);
  const listener = calls.listen([
    createDispatcherListRoute({
      auth,
      refusals,
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
    leases,
    clock: steadyClock,
    onFailure,
    self: { id, url: listener.url },
  });
  void known.start();
  registerKnownDispatchers(registry, () => known.list.length);
  return { listener, known };
}
