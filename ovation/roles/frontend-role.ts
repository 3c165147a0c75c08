/** `ovation frontend`: connections, and nothing else. Knows the internal addresses of dispatchers. */

import {
  createFrontendCredential,
  createFrontendRoutes,
  createLinkReceiver,
  HttpUpstream,
} from "@ovation/dispatcher";
import { createMemoryPools, steadyClock } from "@ovation/protocol";
import { Registry } from "prom-client";
import { openHealth } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { listen } from "../listener/listener.ts";
import { registerReceivedLinkMetrics } from "../metrics/frontend-link-metrics.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import { createFrontendPart, type FrontendPart } from "../wiring/frontend-part.ts";
import { createInternalPart, type InternalSettings } from "../wiring/internal-part.ts";
import type { Node, Settings } from "../wiring/settings.ts";

export interface FrontendRoleOptions {
  readonly settings: Settings;
  readonly internal: InternalSettings;
  readonly dispatchers: readonly string[];
}

export async function startFrontendRole({
  settings,
  internal,
  dispatchers,
}: FrontendRoleOptions): Promise<Node> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const pools = createMemoryPools(steadyClock);
  const credential = createFrontendCredential();
  const {
    auth,
    refusals,
    tls,
    listen: listenInternally,
  } = createInternalPart(settings, internal, registry);
  const { authenticate } = await createLiveVerifier(settings);
  const inbox = {
    dispatch: (events: Parameters<FrontendPart["frontend"]["dispatch"]>[0]) =>
      part.frontend.dispatch(events),
  };
  const receiver = createLinkReceiver({ auth, frontend: credential.id, inbox, refusals });
  registerReceivedLinkMetrics(registry, receiver);
  const internalListener = listenInternally(
    createFrontendRoutes({
      auth,
      refusals,
      frontend: credential.id,
      changeConnection: (change) => part.frontend.changeHere(change),
    }),
    receiver,
  );
  const upstream = new HttpUpstream({
    dispatchers,
    auth,
    credential,
    url: internalListener.url,
    clock: steadyClock,
    ...(tls === undefined ? {} : { tls }),
  });
  const part: FrontendPart = createFrontendPart({
    settings,
    id: credential.id,
    upstream,
    authenticate,
    registry,
    pools,
    arrived: () => receiver.arrived(),
  });
  const health = openHealth(settings, { registry, checks: part.checks });
  const listener = listen({
    ...settings,
    pools,
    ...countHttp(registry),
    routes: [...part.routes, ...health.routes],
  });
  return {
    url: listener.url,
    async stop() {
      await part.drain();
      await listener.stop(false);
      await health.stop();
      await part.stop();
      await internalListener.stop();
      return [];
    },
  };
}
