/** `GET /healthz`, `/readyz`, `/metrics`: what load balancers and Prometheus ask. */

import type { Route } from "@ovation/protocol";
import type { Registry } from "prom-client";

/**
 * What has to hold before traffic is sent here: a name, and why it does not hold at the moment. One that is only `degraded` by it
 * goes on being sent traffic.
 */
export type ReadinessCheck = readonly [
  name: string,
  why: () => string | undefined,
  makes?: () => "not ready" | "degraded",
];

export interface HealthOptions {
  readonly registry: { metrics(): Promise<string>; readonly contentType: string } | Registry;
  readonly checks: readonly ReadinessCheck[];
}

export function createHealthRoutes({ registry, checks }: HealthOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      handle: () => Response.json({ status: "alive" }, { headers: NO_STORE }),
    },
    {
      method: "GET",
      path: "/readyz",
      handle() {
        const failed = checks.flatMap(([check, why, makes]) => {
          const reason = why();
          return reason === undefined ? [] : [{ check, reason, made: makes?.() ?? "not ready" }];
        });
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

const NO_STORE = { "cache-control": "no-store" };
