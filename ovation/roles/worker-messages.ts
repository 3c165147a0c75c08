/** What the core and its workers send each other. */

import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { SettingValues } from "../settings/schema.ts";
import type { Renewed } from "../settings/settings.ts";
import type { PoolsPlace } from "../shares/address-pools-mapped.ts";

/** Settings of the core that a reload changes and workers use. */
export type WorkerRenewal = Omit<Renewed, "comments">;

/** All that a worker needs: the values of the frontend role, and how it reaches the core. */
export interface WorkerSettings
  extends Omit<SettingValues, "secret" | "hosts" | "trustedProxies">,
    WorkerRenewal {
  /** The core's internal listener. */
  readonly dispatcher: string;
  readonly internalSecret: string;
  /** The core's Unix socket, for requests that a worker does not serve. */
  readonly socket: string;
  /** Shared counts of what each address holds. */
  readonly pools: PoolsPlace;
  /** Workers serve these files themselves: a proxied response costs the core. */
  readonly mediaDirectory?: string;
}

/** Differs from worker to worker. */
export interface OwnSettings extends WorkerSettings {
  /** The worker's number, from 0: its region of the pools. Its successor has the same. */
  readonly worker: number;
}

/** Sent in the environment: arguments of a process are visible to other users. */
export const WORKER_SETTINGS_VARIABLE = "OVATION_WORKER_SETTINGS";

export type Metrics = MetricObjectWithValues<MetricValue<string>>[];

export type FromWorker =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "metrics"; readonly metrics: Metrics };
export type ToWorker =
  | { readonly type: "listen"; readonly port: number }
  /** All workers listen: report ready. */
  | { readonly type: "serve" }
  | { readonly type: "renew"; readonly settings: WorkerRenewal }
  | { readonly type: "metrics?" };
