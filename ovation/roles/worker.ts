/**
 * A worker: the frontend role in a process that shares the public port with its siblings, beside a
 * core. Started by `worker-process.ts`, with its settings in the environment; ends with its parent.
 */

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { Problem, type Route, systemClock } from "@ovation/protocol";
import { createMediaRoute } from "@ovation/web";
import { Registry } from "prom-client";
import { createHealthRoutes } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { type Listener, listen } from "../listener/listener.ts";
import { createLogger } from "../logging/logger.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { crashOnUncaught, ignoreSignals, untilSignal } from "../process-life.ts";
import { createLivePolicy } from "../reload/live-policy.ts";
import { Reloads } from "../reload/reloads.ts";
import { createRequestChecks } from "../reload/request-checks.ts";
import type { Renewed } from "../settings/settings.ts";
import { openMappedPools } from "../shares/address-pools-mapped.ts";
import { openClusterFrontend } from "../wiring/cluster-frontend.ts";
import { createCoreProxy, reasonsOfCore } from "./core-proxy.ts";
import {
  type FromWorker,
  type OwnSettings,
  type ToWorker,
  WORKER_SETTINGS_VARIABLE,
} from "./worker-messages.ts";

const text = process.env[WORKER_SETTINGS_VARIABLE];
if (text === undefined) throw new Error("a worker is started by `ovation start --workers`");
delete process.env[WORKER_SETTINGS_VARIABLE];
const given = JSON.parse(text) as OwnSettings;
const { socket } = given;
const logger = createLogger(given.logLevel);
crashOnUncaught(logger);
// The core is told, and tells its workers.
ignoreSignals(["SIGHUP", "SIGUSR1", "SIGUSR2"]);
// The parent was killed: without the core there is nothing to serve.
process.on("disconnect", () => {
  rmSync(dirname(socket), { recursive: true, force: true });
  process.exit(0);
});

const reloads = new Reloads<Renewed>();
const settings = {
  ...given,
  ...createRequestChecks({ ...given, logger }, reloads),
  policy: createLivePolicy(given.policy, reloads),
  logger,
  reloads,
};
const registry = new Registry();
registerProcessMetrics(registry);
const pools = openMappedPools(given.pools, given.worker, systemClock);
const service = await openClusterFrontend({
  settings,
  internal: loopback(given.internalSecret),
  dispatchers: [given.dispatcher],
  registry,
  pools,
});
let isServing = false;
const routes = [
  ...service.routes,
  ...(await mediaRoutes(given.mediaDirectory)),
  ...createHealthRoutes({
    registry,
    checks: [
      ...service.checks,
      ["workers", () => (isServing ? undefined : "another worker still starts")],
    ],
    others: () => reasonsOfCore(socket),
  }).filter(({ path }) => path !== "/metrics"),
];

let listener: Listener | undefined;
process.on("message", (message: ToWorker) => {
  if (message.type === "listen") {
    listener = listen({
      ...settings,
      port: message.port,
      reusePort: true,
      pools,
      ...countHttp(registry),
      routes,
      fallback: createCoreProxy(socket, pools),
    });
    send({ type: "listening", port: listener.port });
  } else if (message.type === "serve") isServing = true;
  else if (message.type === "renew")
    // The core has checked them; a failure here is this process's own, for example of descriptors.
    void reloads.renew(message.settings).catch((error: unknown) => {
      logger.error(
        { error },
        "this worker could not apply the reload and keeps its settings: send SIGHUP again",
      );
    });
  else void registry.getMetricsAsJSON().then((metrics) => send({ type: "metrics", metrics }));
});
send({ type: "loaded" });

await untilSignal(logger);
await service.drain();
await listener?.stop(false);
await service.stop();
process.exit(0);

function send(message: FromWorker): void {
  process.send?.(message);
}

function loopback(secret: string) {
  return { host: "127.0.0.1", port: 0, url: undefined, secrets: [secret], tls: undefined };
}

async function mediaRoutes(directory: string | undefined): Promise<readonly Route[]> {
  if (directory === undefined) return [];
  const missing = () => {
    throw new Problem("not-found");
  };
  return [await createMediaRoute(directory, missing)];
}
