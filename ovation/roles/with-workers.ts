/**
 * `--workers N`: this process is the core (dispatcher, comments, log, table), and N frontend processes
 * beside it share the public port; the kernel spreads connections over them. They are joined to the core
 * as a cluster's frontends are: the same links, the same calls, on loopback.
 *
 * What a worker does not serve itself (comments, publishing, pages, metrics) it passes to the core's
 * own listener, a Unix socket that only this user can open. A worker that dies is started anew.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createHttpFrontendCalls,
  createInternalAuth,
  createPublisherApiRoutes,
  createRefusals,
  createUpstreamRoutes,
  createWebSocketLinks,
  listenInternal,
} from "@ovation/dispatcher";
import { steadyClock, systemClock } from "@ovation/protocol";
import { createPages } from "@ovation/web";
import { AggregatorRegistry, Registry } from "prom-client";
import { openHealth } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { listenUnix } from "../listener/listener.ts";
import { ensurePortFree } from "../listener/port-free.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createPageSource } from "../page-source.ts";
import type { Renewed } from "../reload/reloads.ts";
import { preparePools } from "../shares/address-pools-mapped.ts";
import { openCore } from "../wiring/core-part.ts";
import { failureLogger, type Node, pageRulesOf, type Settings } from "../wiring/settings.ts";
import { sampleOf, type Watched } from "./status-sample.ts";
import { startWorkers, type WorkerSettings, type Workers } from "./workers.ts";

export async function startWithWorkers(settings: Settings, count: number): Promise<Node & Watched> {
  ensurePortFree(settings.port, settings.host);
  const registry = new Registry();
  registerProcessMetrics(registry);
  const internalSecret = randomBytes(32).toString("base64url");
  const clock = systemClock;
  const auth = createInternalAuth({ secrets: [internalSecret], clock });
  const refusals = createRefusals();
  const from = `dispatcher ${randomBytes(8).toString("hex")}`;
  const onFailure = failureLogger(settings.logger);

  const links = createWebSocketLinks({
    auth,
    from,
    policy: settings.policy,
    clock: steadyClock,
    onGone: (frontend) => void core.dispatcher.dropViewersOf(frontend),
  });
  const core = await openCore(settings, links, createHttpFrontendCalls({ auth, from }), registry);
  const internal = listenInternal({
    host: "127.0.0.1",
    port: 0,
    routes: [
      ...createUpstreamRoutes({ auth, refusals, dispatcher: core.dispatcher }),
      ...createPublisherApiRoutes({ auth, refusals, publisherApi: core.dispatcher }),
    ],
    onFailure,
  });

  const directory = mkdtempSync(join(tmpdir(), "ovation-"));
  const socket = join(directory, "core.sock");
  const pools = { directory, regions: count + 1 };
  preparePools(pools);
  const workerSettings: WorkerSettings = {
    port: settings.port,
    host: settings.host,
    dispatcher: internal.url,
    internalSecret,
    socket,
    pools,
    rateLimits: settings.rateLimits,
    zstd: settings.zstd,
    directSend: settings.directSend,
    drainMs: settings.drainMs,
    heartbeatMs: settings.heartbeatMs,
    ...(settings.admission === undefined ? {} : { admission: settings.admission }),
    ...(settings.lifetimeMs === undefined ? {} : { lifetimeMs: settings.lifetimeMs }),
    ...(settings.stuckMs === undefined ? {} : { stuckMs: settings.stuckMs }),
    ...(settings.idleMs === undefined ? {} : { idleMs: settings.idleMs }),
    logLevel: settings.logger.level,
    ...renewedOf(settings),
    ...(settings.mediaDirectory === undefined ? {} : { mediaDirectory: settings.mediaDirectory }),
  };
  let workers: Workers | undefined;
  const whole = {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async metrics() {
      const parts = [await registry.getMetricsAsJSON(), ...((await workers?.metrics()) ?? [])];
      return AggregatorRegistry.aggregate(parts).metrics();
    },
  };
  const pages = await createPages({
    ...createPageSource(core.routes, pageRulesOf(settings)),
    ...(settings.mediaDirectory === undefined ? {} : { mediaDirectory: settings.mediaDirectory }),
  });
  const health = openHealth(settings, { registry: whole, checks: core.checks });
  const listener = listenUnix({
    socket,
    logger: settings.logger,
    ...countHttp(registry),
    problemPage: pages.problemPage,
    routes: [...core.routes, ...pages.routes, ...health.routes],
  });
  const started = await startWorkers({
    count,
    settings: workerSettings,
    logger: settings.logger,
    clock,
  });
  workers = started;
  let certificate = certificateOf(settings);
  settings.reloads?.add((next) => {
    const renewed = certificateOf(next);
    return {
      what: renewed === certificate ? [] : ["the certificate"],
      apply() {
        certificate = renewed;
        started.renew(renewedOf(next));
      },
    };
  });

  const scheme = settings.tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://${settings.host === "0.0.0.0" ? "localhost" : settings.host}:${started.port}`,
    sample: async () =>
      sampleOf([
        registry,
        ...(await started.metrics()).map((metrics) => ({ getMetricsAsJSON: async () => metrics })),
      ]),
    async stop() {
      await started.stop();
      await listener.stop(false);
      await health.stop();
      await internal.stop();
      const lost = await core.stop();
      rmSync(directory, { recursive: true, force: true });
      return lost;
    },
  };
}

function certificateOf({ tls }: Renewed): string | undefined {
  return tls === undefined
    ? undefined
    : readFileSync(tls.cert, "utf8") + readFileSync(tls.key, "utf8");
}

/** What workers are told of the settings that can change: what they do not use stays here. */
function renewedOf(settings: Renewed): Omit<Renewed, "comments"> {
  const { secret, policy, tls, corsOrigins, hosts, trustedProxies, tokens } = settings;
  return {
    secret,
    policy,
    tls,
    ...(corsOrigins === undefined ? {} : { corsOrigins }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}
