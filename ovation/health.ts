/** `GET /healthz`, `/readyz`, `/metrics`: what load balancers and Prometheus ask. */

import type { Route } from "@ovation/protocol";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { listen } from "./listener/listener.ts";
import type { MetricsPlace } from "./settings/listener-settings.ts";

/**
 * What has to hold before traffic is sent here: a name, and why it does not hold at the moment. One
 * that is only `degraded` by it still gets traffic.
 */
export type ReadinessCheck = readonly [
  name: string,
  why: () => string | undefined,
  makes?: () => "not ready" | "degraded",
];

export interface HealthOptions {
  readonly registry: { metrics(): Promise<string>; readonly contentType: string } | Registry;
  readonly checks: readonly ReadinessCheck[];
  /** What another process says of itself, which this one needs: `/readyz` has its reasons too. */
  others?(): Promise<readonly Failed[]>;
}

/** A check that does not hold, as `/readyz` says it. */
export interface Failed {
  readonly check: string;
  readonly reason: string;
  readonly made: "not ready" | "degraded";
}

export function createHealthRoutes({ registry, checks, others }: HealthOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      handle: () => Response.json({ status: "alive" }, { headers: NO_STORE }),
    },
    {
      method: "GET",
      path: "/readyz",
      async handle() {
        const own = checks.flatMap(([check, why, makes]): readonly Failed[] => {
          const reason = why();
          return reason === undefined ? [] : [{ check, reason, made: makes?.() ?? "not ready" }];
        });
        const failed = [...own, ...((await others?.()) ?? [])];
        const ready = failed.every(({ made }) => made === "degraded");
        const status = !ready ? "not ready" : failed.length > 0 ? "degraded" : "ready";
        const reasons = failed.map(({ check, reason }) => ({ check, reason }));
        return Response.json({ status, reasons }, { status: ready ? 200 : 503, headers: NO_STORE });
      },
    },
    {
      method: "GET",
      path: "/metrics",
      async handle() {
        return new Response(await registry.metrics(), {
          headers: { "content-type": registry.contentType, ...NO_STORE },
        });
      },
    },
  ];
}

export interface Health {
  /** For the public listener. */
  readonly routes: readonly Route[];
  stop(): Promise<void>;
}

/** {@link createHealthRoutes}, with `/metrics` where the operator wants it. */
export function openHealth(
  { metrics, logger }: { readonly metrics: MetricsPlace; readonly logger: Logger },
  options: HealthOptions,
): Health {
  const routes = createHealthRoutes(options);
  if (metrics === "on") return { routes, stop: async () => undefined };
  const open = routes.filter(({ path }) => path !== "/metrics");
  if (metrics === "off") return { routes: open, stop: async () => undefined };
  const listener = listen({ ...metrics, logger, routes });
  logger.info({ url: `${listener.url}/metrics` }, "metrics are there");
  return { routes: open, stop: () => listener.stop(true) };
}

const NO_STORE = { "cache-control": "no-store" };
