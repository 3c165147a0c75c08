/** The frontend and its public routes, over whatever way up it is given. */

import {
  Admission,
  createEventsRoute,
  createSubscriptionsRoutes,
  DEFAULT_ADMISSION,
  Frontend,
  OPEN_ADMISSION,
  registerFrontendMetrics,
  type Upstream,
} from "@ovation/frontend";
import { type Authenticate, type FrontendId, maySubscribe, type Route, systemClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { failureLogger, type Settings } from "./settings.ts";

export interface FrontendPartOptions {
  readonly settings: Settings;
  readonly id: FrontendId;
  readonly upstream: Upstream;
  readonly authenticate: Authenticate;
  readonly registry: Registry;
}

export interface FrontendPart {
  readonly frontend: Frontend;
  readonly routes: readonly Route[];
  readonly checks: readonly ReadinessCheck[];
  /** No new connections from now on; those that are here are asked to go elsewhere, in their own time. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** How fast connections are asked to come back elsewhere when a process drains. */
const DRAIN_PER_SECOND = 2000;

export function createFrontendPart({ settings, id, upstream, authenticate, registry }: FrontendPartOptions): FrontendPart {
  const { policy } = settings;
  const clock = systemClock;
  const authorize: ConstructorParameters<typeof Frontend>[0]["authorize"] = (identity, topic) => maySubscribe(policy, identity, topic);
  const frontend = new Frontend({
    id,
    upstream,
    policy,
    authorize,
    clock,
    random: Math.random,
    heartbeatMs: settings.heartbeatMs,
    onFailure: failureLogger(settings.logger),
  });
  const admission = new Admission(settings.rateLimits ? DEFAULT_ADMISSION : OPEN_ADMISSION, clock);
  registerFrontendMetrics(registry, frontend);
  frontend.start();
  return {
    frontend,
    routes: [
      createEventsRoute({ frontend, admission, authenticate, authorize, policy, random: Math.random, zstd: settings.zstd }),
      ...createSubscriptionsRoutes({ frontend, authenticate, authorize }),
    ],
    checks: [
      ["draining", () => (admission.draining ? "the process is going away" : undefined)],
      ["dispatchers", () => (frontend.membership.reachable ? undefined : "no dispatcher answers, or the subscription table is away")],
    ],
    async drain() {
      admission.draining = true;
      await frontend.drain(settings.drainMs, DRAIN_PER_SECOND);
    },
    stop: () => frontend.stop(),
  };
}
