/**
 * A worker: a frontend process that shares the public port with its siblings. Started by `workers.ts`,
 * with its settings in the environment; ends when its parent does.
 */

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import {
  createFrontendCredential,
  createFrontendRoutes,
  createInternalAuth,
  createLinkReceiver,
  createRefusals,
  HttpUpstream,
  listenInternal,
} from "@ovation/dispatcher";
import { Problem, steadyClock, systemClock } from "@ovation/protocol";
import { createMediaRoute } from "@ovation/web";
import { Registry } from "prom-client";
import { createHealthRoutes } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { type Listener, listen } from "../listener/listener.ts";
import { createLogger } from "../logging/logger.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { crashOnUncaught, ignoreSignals, untilSignal } from "../process-life.ts";
import { createLivePolicy } from "../reload/live-policy.ts";
import { createLiveVerifier } from "../reload/live-tokens.ts";
import { Reloads } from "../reload/reloads.ts";
import { createLiveEdge } from "../reload/request-checks.ts";
import { openMappedPools } from "../shares/address-pools-mapped.ts";
import { createFrontendPart } from "../wiring/frontend-part.ts";
import { failureLogger } from "../wiring/settings.ts";
import { passOn, reasonsOfCore } from "./core-proxy.ts";
import {
  type FromWorker,
  type OwnSettings,
  type ToWorker,
  WORKER_SETTINGS_VARIABLE,
} from "./workers.ts";

const given = process.env[WORKER_SETTINGS_VARIABLE];
if (given === undefined) throw new Error("a worker is started by `ovation start --workers`");
delete process.env[WORKER_SETTINGS_VARIABLE];
const reloads = new Reloads();
const sent = JSON.parse(given) as OwnSettings;
const settings = { ...sent, policy: createLivePolicy(sent.policy, reloads), reloads };
const logger = createLogger(settings.logLevel);
crashOnUncaught(logger);
// The core is told, and tells its workers.
ignoreSignals(["SIGHUP", "SIGUSR1", "SIGUSR2"]);
// The parent was killed: without the core there is nothing to serve.
process.on("disconnect", () => {
  rmSync(dirname(settings.socket), { recursive: true, force: true });
  process.exit(0);
});

const clock = systemClock;
const onFailure = failureLogger(logger);
const registry = new Registry();
registerProcessMetrics(registry);
const pools = openMappedPools(settings.pools, settings.worker, clock);
const auth = createInternalAuth({ secrets: [settings.internalSecret], clock });
const refusals = createRefusals();
const credential = createFrontendCredential();
const { authenticate } = await createLiveVerifier({ ...settings, logger });
const edge = createLiveEdge({ ...settings, logger }, reloads);

const receiver = createLinkReceiver({
  auth,
  frontend: credential.id,
  inbox: { dispatch: (events) => part.frontend.dispatch(events) },
  refusals,
});
const internal = listenInternal({
  host: "127.0.0.1",
  port: 0,
  routes: createFrontendRoutes({
    auth,
    refusals,
    frontend: credential.id,
    changeConnection: (change) => part.frontend.changeHere(change),
  }),
  link: receiver,
  onFailure,
});
const upstream = new HttpUpstream({
  dispatchers: [settings.dispatcher],
  auth,
  credential,
  url: internal.url,
  clock: steadyClock,
});
const part = createFrontendPart({
  settings: { ...settings, dataDirectory: "", videos: "any", guests: false, logger },
  id: credential.id,
  upstream,
  authenticate,
  registry,
  pools,
  arrived: () => receiver.arrived(),
});
const media =
  settings.mediaDirectory === undefined
    ? []
    : [
        await createMediaRoute(settings.mediaDirectory, () => {
          throw new Problem("not-found");
        }),
      ];
let serving = false;
const open = (port: number): Listener =>
  listen({
    ...settings,
    port,
    logger,
    ...edge,
    reusePort: true,
    pools,
    ...countHttp(registry),
    routes: [
      ...part.routes,
      ...media,
      ...createHealthRoutes({
        registry,
        checks: [
          ...part.checks,
          ["workers", () => (serving ? undefined : "another worker still starts")],
        ],
        others: () => reasonsOfCore(settings.socket),
      }).filter((route) => route.path !== "/metrics"),
    ],
    fallback: passOn(settings.socket, pools),
  });

let listener: Listener | undefined;
process.on("message", (message: ToWorker) => {
  if (message.type === "listen") {
    listener = open(message.port);
    process.send?.({ type: "listening", port: listener.port } satisfies FromWorker);
  } else if (message.type === "serve") serving = true;
  else if (message.type === "renew")
    // The core has checked them; what fails here is this process's own, for example its open files.
    void reloads
      .renew(message.settings)
      .catch((error: unknown) => logger.error({ error }, "this worker keeps the settings it had"));
  else
    void registry
      .getMetricsAsJSON()
      .then((metrics) => process.send?.({ type: "metrics", metrics } satisfies FromWorker));
});
process.send?.({ type: "loaded" } satisfies FromWorker);

await untilSignal(logger);
await part.drain();
await listener?.stop(false);
await part.stop();
await internal.stop();
process.exit(0);
