/**
 * All roles in one process: what `ovation start` runs. The same parts as the separate roles, joined by
 * their in-memory forms: the one place that knows which forms these are.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Comments, createComments, createMemoryRateLimiter, createRateLimiterOff, openSqliteVideoStore } from "@ovation/comments";
import { createLocalLinks, createPublishRoute, Dispatcher } from "@ovation/dispatcher";
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
import { openSqliteLog } from "@ovation/log";
import { frontendIdFrom, HEARTBEAT_MS, maySubscribe, type Policy, type Route, systemClock } from "@ovation/protocol";
import { createMemoryTable, createMemoryViewerCounts } from "@ovation/table";
import { createPages } from "@ovation/web";

import type { Logger } from "pino";
import { Registry } from "prom-client";
import { registerDispatcherMetrics } from "./dispatcher-metrics.ts";
import { createHealthRoutes } from "./health.ts";
import { type Listener, listen } from "./listener.ts";
import { createPageSource } from "./page-source.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { createGuestIssuer, createVerifier } from "./tokens/mod.ts";

export interface AllInOneOptions {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  readonly secret: string;
  readonly policy: Policy;
  readonly rateLimits: boolean;
  readonly videos: "any" | "listed";
  readonly guests: boolean;
  readonly zstd: boolean;
  readonly drainMs: number;
  readonly heartbeatMs?: number;
  readonly logger: Logger;
}

export interface Node {
  readonly url: string;
  readonly port: number;
  readonly registry: Registry;
  readonly frontend: Frontend;
  /** Sends everybody away in their own time, finishes what was begun, closes what was opened. */
  stop(): Promise<void>;
}

/** How fast connections are asked to come back elsewhere when a process drains. */
const DRAIN_PER_SECOND = 2000;
const RETENTION_EVERY_MS = 60_000;
const RETENTION_EVENTS_AT_ONCE = 5000;

export async function startAllInOne(options: AllInOneOptions): Promise<Node> {
  const { policy, logger } = options;
  const clock = systemClock;
  const registry = new Registry();
  const onFailure = (what: string, error: unknown) => logger.warn({ error, what }, "failed, and goes on");

  mkdirSync(options.dataDirectory, { recursive: true });
  const log = await openSqliteLog({ path: join(options.dataDirectory, "log.sqlite"), clock, policy });
  const store = await openSqliteVideoStore({ path: join(options.dataDirectory, "videos.sqlite") });
  const table = createMemoryTable({ clock });
  const counts = createMemoryViewerCounts({ clock });
  const verifier = await createVerifier({ secrets: [options.secret], clock });
  const { authenticate } = verifier;

  const id = frontendIdFrom(crypto.getRandomValues(new Uint8Array(8)));
  const links = createLocalLinks({ inboxOf: (frontendId) => (frontendId === id ? frontend : undefined) });
  const calls = { changeConnection: (_: unknown, change: Parameters<Frontend["changeHere"]>[0]) => frontend.changeHere(change) };
  const dispatcher = new Dispatcher({ table, counts, log, links, calls, policy, onFailure });
  const authorize: ConstructorParameters<typeof Frontend>[0]["authorize"] = (identity, topic) => maySubscribe(policy, identity, topic);
  const frontend: Frontend = new Frontend({
    id,
    upstream: upstreamOf(dispatcher, id),
    policy,
    authorize,
    clock,
    random: Math.random,
    heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    onFailure,
  });

  const comments: Comments = createComments({
    log,
    store,
    publish: (events) => dispatcher.publish(events),
    viewers: (topics) => dispatcher.viewers(topics),
    authenticate,
    policy,
    clock,
    limiter: options.rateLimits ? createMemoryRateLimiter({ clock }) : createRateLimiterOff(),
    videos: options.videos,
    guests: options.guests
      ? createGuestIssuer({ secret: options.secret, clock, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) })
      : undefined,
    registry,
    onFailure,
  });

  const admission = new Admission(options.rateLimits ? DEFAULT_ADMISSION : OPEN_ADMISSION, clock);
  let draining = false;
  registerFrontendMetrics(registry, frontend);
  registerDispatcherMetrics(registry, dispatcher);
  registerProcessMetrics(registry);

  const routes: Route[] = [
    createEventsRoute({ frontend, admission, authenticate, authorize, policy, random: Math.random, zstd: options.zstd }),
    ...createSubscriptionsRoutes({ frontend, authenticate, authorize }),
    createPublishRoute({ authenticate, policy, log, clock, publish: (events) => dispatcher.publish(events) }),
    ...comments.routes,
    ...createHealthRoutes({ registry, checks: [["draining", () => (draining ? "the process is going away" : undefined)]] }),
  ];

  routes.push(...(await createPages(createPageSource(routes))));
  frontend.start();
  const stopTrimming = keepTrimming(() => log.trim(RETENTION_EVENTS_AT_ONCE), onFailure);
  const listener: Listener = listen({ port: options.port, host: options.host, routes, logger });

  return {
    url: listener.url,
    port: listener.port,
    registry,
    frontend,
    async stop() {
      draining = true;
      admission.draining = true;
      stopTrimming();
      await frontend.drain(options.drainMs, DRAIN_PER_SECOND);
      await listener.stop(false);
      await comments.close();
      await frontend.stop();
      await links.close();
      await Promise.all([table.close(), counts.close(), store.close(), log.close()]);
    },
  };
}

/** The dispatcher as the frontend of the same process sees it. */
function upstreamOf(dispatcher: Dispatcher, id: Frontend["id"]): Upstream {
  const address = { id, url: "" };
  return {
    change: (changes) => dispatcher.change(address, changes),
    report: (viewers, since) => dispatcher.report(address, viewers, since),
    read: (topic, after, limit) => dispatcher.read(topic, after, limit),
    wrote: (topic, seq, epoch) => dispatcher.wrote(topic, seq, epoch),
    headAt: (topic, stamp) => dispatcher.headAt(topic, stamp),
    changeConnection: (change) => dispatcher.changeConnection(change),
    renew: (ttlMs) => dispatcher.renew(address, ttlMs),
    release: () => dispatcher.release(id),
  };
}

/** Drops what is past retention, a little at a time. */
function keepTrimming(trim: () => Promise<number>, onFailure: (what: string, error: unknown) => void): () => void {
  const timer = setInterval(() => {
    trim().catch((error: unknown) => onFailure("retention", error));
  }, RETENTION_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
