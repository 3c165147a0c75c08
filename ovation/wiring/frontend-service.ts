/** The frontend and its public routes, over whatever way up it is given. */

import {
  type AdmissionLimits,
  createEventsRoute,
  createSubscriptionsRoutes,
  DEFAULT_ADMISSION,
  DEFAULT_CHANGES,
  DEFAULT_REPLAY,
  DEFAULT_TOPICS,
  Frontend,
  OPEN_ADMISSION,
  OPEN_CHANGES,
  OPEN_REPLAY,
  OPEN_TOPICS,
  Polls,
  registerFrontendMetrics,
  type TopicLimits,
  type Upstream,
} from "@ovation/frontend";
import { createDirectSender } from "@ovation/http";
import {
  type AddressPools,
  type Authenticate,
  type FrontendId,
  HEARTBEAT_MS,
  maySubscribe,
  type Route,
  steadyClock,
  systemClock,
} from "@ovation/protocol";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { descriptorsMax } from "../listener/open-descriptors.ts";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { registerDependencies } from "../metrics/dependency-metrics.ts";
import type { Settings } from "../settings/settings.ts";

export interface FrontendServiceOptions {
  readonly settings: Settings;
  readonly id: FrontendId;
  readonly upstream: Upstream;
  readonly authenticate: Authenticate;
  readonly registry: Registry;
  /** Shares per address, over all workers where there are some. */
  readonly pools: AddressPools;
  /** See `FrontendOptions.arrived`. */
  arrived?(): Promise<void>;
}

export interface FrontendService {
  readonly frontend: Frontend;
  readonly routes: readonly Route[];
  readonly checks: readonly ReadinessCheck[];
  /** Admits no new connections, and asks the open ones, one by one, to reconnect elsewhere. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** How fast connections are asked to come back elsewhere when a process drains. */
const DRAIN_PER_SECOND = 2000;
/** The share of descriptors for connections; the rest is for requests, the log and links. */
export const DESCRIPTORS_SHARE = 0.9;
/** What a viewer has beside those that all have: its own topic, and some rooms. */
const TOPICS_PER_VIEWER = 10;
/** More than this on one process wait for each other; the machine has room for another. */
export const CONNECTIONS_DEFAULT_MAX = 200_000;

export function createFrontendService(options: FrontendServiceOptions): FrontendService {
  const { settings, id, upstream, authenticate, registry, pools, arrived } = options;
  const { policy } = settings;
  const clock = systemClock;
  const authorize: ConstructorParameters<typeof Frontend>[0]["authorize"] = (identity, topic) =>
    maySubscribe(policy, identity, topic);
  const frontend = new Frontend({
    id,
    upstream,
    policy,
    authorize,
    clock,
    steady: steadyClock,
    random: Math.random,
    sender: settings.directSend ? createDirectSender() : undefined,
    heartbeatMs: settings.heartbeatMs ?? HEARTBEAT_MS,
    pools,
    replay: settings.rateLimits ? DEFAULT_REPLAY : OPEN_REPLAY,
    topics: settings.rateLimits ? topicLimits(settings) : OPEN_TOPICS,
    changes: settings.rateLimits ? DEFAULT_CHANGES : OPEN_CHANGES,
    ...(arrived === undefined ? {} : { arrived }),
    ...(settings.lifetimeMs === undefined ? {} : { lifetimeMs: spread(settings.lifetimeMs) }),
    ...(settings.stuckMs === undefined ? {} : { stuckMs: settings.stuckMs }),
    admission: admissionLimits(settings),
    onFailure: createFailureLogger(settings.logger),
  });
  registerFrontendMetrics(registry, frontend);
  registerDependencies(registry, () => [["dispatchers", frontend.membership.reachable]]);
  frontend.start();
  return {
    frontend,
    routes: [
      createEventsRoute({
        frontend,
        authenticate,
        authorize,
        policy,
        random: Math.random,
        zstd: settings.zstd,
        polls: new Polls({ frontend, clock: steadyClock }),
      }),
      ...createSubscriptionsRoutes({ frontend, authenticate, authorize }),
    ],
    checks: [
      ["draining", () => (frontend.admission.draining ? "the process is going away" : undefined)],
      [
        "dispatchers",
        () => {
          const { reachable, unreachableWhy } = frontend.membership;
          if (reachable) return undefined;
          if (unreachableWhy?.what !== "store")
            return `no dispatcher answers (${unreachableWhy?.why ?? "none was asked yet"})`;
          const { why } = unreachableWhy;
          return `the subscription table is away: new streams are told to return (${why})`;
        },
        // All frontends share the table: out of service, a proxy would answer 503 for them, and an
        // EventSource never returns from that. In service they answer 200 and `retry`.
        () => (frontend.membership.unreachableWhy?.what === "store" ? "degraded" : "not ready"),
      ],
    ],
    drain: () => frontend.drain(settings.drainMs, DRAIN_PER_SECOND),
    stop: () => frontend.stop(),
  };
}

/** ±25 %, so that clients that connected together do not reconnect together. */
function spread(ms: number): { readonly min: number; readonly max: number } {
  return { min: ms * 0.75, max: ms * 1.25 };
}

/** An address that may have more connections may have more topics too. */
function topicLimits({ connectionsPerAddressMax = 0 }: Settings): TopicLimits {
  const perAddress = Math.max(
    DEFAULT_TOPICS.perAddress,
    connectionsPerAddressMax * TOPICS_PER_VIEWER,
  );
  return { ...DEFAULT_TOPICS, perAddress };
}

type AdmissionSettings = Pick<
  Settings,
  "rateLimits" | "connectionsMax" | "connectionsPerAddressMax" | "connectsPerSecond"
>;

export function admissionLimits(
  settings: AdmissionSettings,
  descriptors = descriptorsMax(),
): AdmissionLimits {
  if (!settings.rateLimits) return OPEN_ADMISSION;
  const byDescriptors =
    descriptors === undefined
      ? DEFAULT_ADMISSION.connectionsMax
      : Math.min(CONNECTIONS_DEFAULT_MAX, Math.floor(descriptors * DESCRIPTORS_SHARE));
  return {
    ...DEFAULT_ADMISSION,
    connectionsMax: settings.connectionsMax ?? byDescriptors,
    perAddressMax: settings.connectionsPerAddressMax ?? DEFAULT_ADMISSION.perAddressMax,
    connectsPerSecond: settings.connectsPerSecond ?? DEFAULT_ADMISSION.connectsPerSecond,
  };
}
