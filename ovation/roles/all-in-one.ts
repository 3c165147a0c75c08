/**
 * All roles in one process: what `ovation start` runs. The parts are those of the separate roles,
 * joined by calls instead of sockets.
 */

import { type Dispatcher, LocalLinks } from "@ovation/dispatcher";
import type { Upstream } from "@ovation/frontend";
import { createMemoryPools, type FrontendId, frontendIdFrom, steadyClock } from "@ovation/protocol";
import { createPages } from "@ovation/web";
import { Registry } from "prom-client";
import { openHealth } from "../health.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { listen } from "../listener/listener.ts";
import { registerProcessMetrics } from "../metrics/process-metrics.ts";
import { createPageSource } from "../page-source.ts";
import { pageRulesOf, type Settings } from "../settings/settings.ts";
import { openCore } from "../wiring/core.ts";
import { createFrontendService, type FrontendService } from "../wiring/frontend-service.ts";
import type { RunningRole } from "./running-role.ts";
import { type StatusSource, sampleStatus } from "./status-sample.ts";

export async function startAllInOne(settings: Settings): Promise<RunningRole & StatusSource> {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const pools = createMemoryPools(steadyClock);
  const id = frontendIdFrom(crypto.getRandomValues(new Uint8Array(8)));
  const links = new LocalLinks({
    inboxOf: (frontend) => (frontend === id ? part.frontend : undefined),
  });
  const core = await openCore(
    settings,
    links,
    { changeConnection: (_, change) => part.frontend.changeHere(change) },
    registry,
  );
  const part: FrontendService = createFrontendService({
    settings,
    id,
    upstream: upstreamOf(core.dispatcher, id),
    authenticate: core.verifier.authenticate,
    registry,
    pools,
  });
  const pages = await createPages({
    ...createPageSource(core.routes, pageRulesOf(settings)),
    ...(settings.mediaDirectory === undefined ? {} : { mediaDirectory: settings.mediaDirectory }),
  });
  const health = openHealth(settings, {
    registry,
    checks: [...part.checks, ...core.checks],
  });
  const listener = listen({
    ...settings,
    pools,
    ...countHttp(registry),
    problemPage: pages.problemPage,
    routes: [...part.routes, ...core.routes, ...pages.routes, ...health.routes],
  });
  return {
    url: listener.url,
    sample: () => sampleStatus([registry]),
    async stop() {
      await part.drain();
      await listener.stop(false);
      await health.stop();
      await part.stop();
      return core.stop();
    },
  };
}

/** The dispatcher as the frontend of the same process sees it. */
function upstreamOf(dispatcher: Dispatcher, id: FrontendId): Upstream {
  const address = { id, url: "" };
  return {
    change: (changes) => dispatcher.change(address, changes),
    report: (viewers, since) => dispatcher.report(address, viewers, since),
    read: (topic, after, limit, need) => dispatcher.read(topic, after, limit, need),
    wrote: (topic, seq, epoch) => dispatcher.wrote(topic, seq, epoch),
    reached: (moment) => dispatcher.reached(moment),
    headAt: (topic, stamp) => dispatcher.headAt(topic, stamp),
    changeConnection: (change) => dispatcher.changeConnection(change),
    present: (members, staff) => dispatcher.present(members, staff),
    upgraded: (guests) => dispatcher.upgraded(guests),
    renew: (ttlMs) => dispatcher.renew(address, ttlMs),
    release: () => dispatcher.release(id),
    probe: (number) => dispatcher.probe(id, number),
  };
}
