/**
 * `--workers N`: this process is the core (dispatcher, comments, log, table), and N frontend
 * processes share the public port; the kernel spreads connections over them. They use the core as a
 * cluster's frontends use a dispatcher: the same links and calls, on loopback.
 *
 * A worker passes requests that it does not serve itself (comments, publishing, pages, metrics) to
 * the core's listener, a Unix socket that only this user can open. A worker that dies is restarted.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createHttpFrontendCalls,
  createPublisherApiRoutes,
  createUpstreamRoutes,
  createWebSocketLinks,
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
import { valuesFor } from "../settings/schema.ts";
import { pageRulesOf, type Renewed, type Settings } from "../settings/settings.ts";
import { type PoolsPlace, preparePools } from "../shares/address-pools-mapped.ts";
import { type Core, openCore } from "../wiring/core.ts";
import { createInternalCalls } from "../wiring/internal-calls.ts";
import type { RunningRole } from "./running-role.ts";
import { type StatusSource, sampleStatus } from "./status-sample.ts";
import type { WorkerRenewal, WorkerSettings } from "./worker-messages.ts";
import { Workers } from "./workers.ts";

export async function startWithWorkers(
  settings: Settings,
  count: number,
): Promise<RunningRole & StatusSource> {
  ensurePortFree(settings.port, settings.host);
  const registry = new Registry();
  registerProcessMetrics(registry);
  const internalSecret = randomBytes(32).toString("base64url");
  const { core, internal } = await openCoreWithLinks(settings, internalSecret, registry);
  const directory = mkdtempSync(join(tmpdir(), "ovation-"));
  const socket = join(directory, "core.sock");
  const pools = { directory, regions: count + 1 };
  preparePools(pools);

  let workers: Workers | undefined;
  const listener = await listenForWorkers({
    settings,
    core,
    socket,
    registry,
    workerMetrics: async () => (await workers?.metrics()) ?? [],
  });
  const started = await Workers.start({
    count,
    settings: workerSettings(settings, { dispatcher: internal.url, internalSecret, socket, pools }),
    logger: settings.logger,
    clock: systemClock,
  });
  workers = started;
  renewWith(settings, started);

  const scheme = settings.tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://${settings.host === "0.0.0.0" ? "localhost" : settings.host}:${started.port}`,
    sample: async () =>
      sampleStatus([
        registry,
        ...(await started.metrics()).map((metrics) => ({ getMetricsAsJSON: async () => metrics })),
      ]),
    async stop() {
      await started.stop();
      await listener.stop();
      await internal.stop();
      const lost = await core.stop();
      rmSync(directory, { recursive: true, force: true });
      return lost;
    },
  };
}

/** The core, with links to workers and the internal listener that they call. */
async function openCoreWithLinks(settings: Settings, secret: string, registry: Registry) {
  const { auth, refusals, listen } = createInternalCalls(
    settings,
    { host: "127.0.0.1", port: 0, url: undefined, secrets: [secret], tls: undefined },
    registry,
  );
  const from = `dispatcher ${randomBytes(8).toString("hex")}`;
  const links = createWebSocketLinks({
    auth,
    from,
    policy: settings.policy,
    clock: steadyClock,
    onGone: (frontend) => void core.dispatcher.dropViewersOf(frontend),
  });
  const core = await openCore(settings, links, createHttpFrontendCalls({ auth, from }), registry);
  const internal = listen([
    ...createUpstreamRoutes({ auth, refusals, dispatcher: core.dispatcher }),
    ...createPublisherApiRoutes({ auth, refusals, publisherApi: core.dispatcher }),
  ]);
  return { core, internal };
}

interface CoreListenerOptions {
  readonly settings: Settings;
  readonly core: Core;
  readonly socket: string;
  readonly registry: Registry;
  readonly workerMetrics: () => ReturnType<Workers["metrics"]>;
}

/** Everything that workers pass to the core, on its Unix socket. */
async function listenForWorkers(options: CoreListenerOptions) {
  const { settings, core, socket, registry, workerMetrics } = options;
  const allMetrics = {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async metrics() {
      const parts = [await registry.getMetricsAsJSON(), ...(await workerMetrics())];
      return AggregatorRegistry.aggregate(parts).metrics();
    },
  };
  const pages = await createPages({
    ...createPageSource(core.routes, pageRulesOf(settings)),
    ...(settings.mediaDirectory === undefined ? {} : { mediaDirectory: settings.mediaDirectory }),
  });
  const health = openHealth(settings, { registry: allMetrics, checks: core.checks });
  const listener = listenUnix({
    socket,
    logger: settings.logger,
    ...countHttp(registry),
    problemPage: pages.problemPage,
    routes: [...core.routes, ...pages.routes, ...health.routes],
  });
  return {
    async stop() {
      await listener.stop(false);
      await health.stop();
    },
  };
}

interface CoreAccess {
  readonly dispatcher: string;
  readonly internalSecret: string;
  readonly socket: string;
  readonly pools: PoolsPlace;
}

/** A worker has the settings of the frontend role. */
function workerSettings(settings: Settings, access: CoreAccess): WorkerSettings {
  return {
    ...valuesFor("frontend", settings),
    ...access,
    ...renewalOf(settings),
    ...(settings.mediaDirectory === undefined ? {} : { mediaDirectory: settings.mediaDirectory }),
  };
}

/** Workers reload their settings; a new certificate is reported here, once for all of them. */
function renewWith(settings: Settings, workers: Workers): void {
  let certificate = certificateOf(settings);
  settings.reloads?.add((next) => {
    const renewed = certificateOf(next);
    return {
      what: renewed === certificate ? [] : ["the certificate"],
      apply() {
        certificate = renewed;
        workers.renew(renewalOf(next));
      },
    };
  });
}

function certificateOf({ tls }: Renewed): string | undefined {
  return tls === undefined
    ? undefined
    : readFileSync(tls.cert, "utf8") + readFileSync(tls.key, "utf8");
}

function renewalOf(settings: Renewed): WorkerRenewal {
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
