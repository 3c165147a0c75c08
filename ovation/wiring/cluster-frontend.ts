/**
 * A frontend that reaches its dispatchers over sockets: of a cluster, or a worker of a core. Its
 * internal listener takes the events and calls of dispatchers.
 */

import {
  createFrontendCredential,
  createFrontendRoutes,
  createLinkReceiver,
  HttpUpstream,
} from "@ovation/dispatcher";
import { type AddressPools, steadyClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import { registerKnownDispatchers } from "../metrics/dispatcher-metrics.ts";
import { registerReceivedLinkMetrics } from "../metrics/frontend-link-metrics.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import type { Settings } from "../settings/settings.ts";
import { createFrontendService, type FrontendService } from "./frontend-service.ts";
import { createInternalCalls, type InternalSettings } from "./internal-calls.ts";

export interface ClusterFrontendOptions {
  readonly settings: Settings;
  readonly internal: InternalSettings;
  readonly dispatchers: readonly string[];
  /** Whether dispatchers that these name are called as well. */
  readonly learns?: boolean;
  readonly registry: Registry;
  readonly pools: AddressPools;
}

export async function openClusterFrontend(
  options: ClusterFrontendOptions,
): Promise<FrontendService> {
  const { settings, dispatchers, learns = false, registry, pools } = options;
  const credential = createFrontendCredential();
  const internal = createInternalCalls(settings, options.internal, registry);
  const { auth, refusals, tls } = internal;
  const { authenticate } = await createLiveVerifier(settings);
  const receiver = createLinkReceiver({
    auth,
    refusals,
    frontend: credential.id,
    inbox: { dispatch: (events) => service.frontend.dispatch(events) },
  });
  registerReceivedLinkMetrics(registry, receiver);
  const listener = internal.listen(
    createFrontendRoutes({
      auth,
      refusals,
      frontend: credential.id,
      changeConnection: (change) => service.frontend.changeHere(change),
    }),
    receiver,
  );
  const upstream = new HttpUpstream({
    dispatchers,
    learns,
    auth,
    credential,
    url: listener.url,
    clock: steadyClock,
    ...(tls === undefined ? {} : { tls }),
  });
  registerKnownDispatchers(registry, () => upstream.dispatchers.length);
  const service: FrontendService = createFrontendService({
    settings,
    id: credential.id,
    upstream,
    authenticate,
    registry,
    pools,
    arrived: () => receiver.arrived(),
  });
  return {
    ...service,
    async stop() {
      upstream.close();
      await service.stop();
      await listener.stop();
    },
  };
}
