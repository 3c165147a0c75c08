/** `ovation frontend`: connections, and nothing else. Knows the internal URLs of dispatchers. */

import { createMemoryPools, steadyClock } from "@ovation/protocol";
import { Registry } from "prom-client";
import { openHealth } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { listen } from "../listener/listener.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import type { ValuesOf } from "../settings/schema.ts";
import type { Settings } from "../settings/settings.ts";
import { openClusterFrontend } from "../wiring/cluster-frontend.ts";
import type { InternalSettings } from "../wiring/internal-calls.ts";
import type { RunningRole } from "./running-role.ts";

export interface FrontendRoleOptions {
  readonly settings: Settings & ValuesOf<"frontend">;
  readonly internal: InternalSettings;
}

export async function startFrontendRole(options: FrontendRoleOptions): Promise<RunningRole> {
  const { settings, internal } = options;
  const registry = new Registry();
  registerProcessMetrics(registry);
  const pools = createMemoryPools(steadyClock);
  const { dispatchers, learnDispatchers: learns } = settings;
  const service = await openClusterFrontend({
    settings,
    internal,
    dispatchers,
    learns,
    registry,
    pools,
  });
  const health = openHealth(settings, { registry, checks: service.checks });
  const listener = listen({
    ...settings,
    pools,
    ...countHttp(registry),
    routes: [...service.routes, ...health.routes],
  });
  return {
    url: listener.url,
    async stop() {
      await service.drain();
      await listener.stop(false);
      await health.stop();
      await service.stop();
      return [];
    },
  };
}
