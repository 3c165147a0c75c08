/**
 * The public listener of a role that waits for its dependencies: it is bound at once, reports in
 * `readyz` why the process is not ready, and responds `unavailable` to all other requests. A
 * supervisor then sees a live process and does not restart it, which would not help the database.
 */

import { Problem, type Route } from "@ovation/protocol";
import type { Registry } from "prom-client";
import { openHealth } from "../health.ts";
import type { ProblemPage } from "../listener/answering.ts";
import { countHttp } from "../listener/http-metrics.ts";
import { listen } from "../listener/listener.ts";
import type { Settings } from "../settings/settings.ts";
import type { Dependencies } from "./dependencies.ts";

const RETRY_AFTER_MS = 1000;

export interface EarlyListener {
  readonly url: string;
  /** The role is ready: these are its routes from now on. */
  serve(routes: readonly Route[], problemPage?: ProblemPage): void;
  stop(now: boolean): Promise<void>;
}

export function listenEarly(
  settings: Settings,
  registry: Registry,
  dependencies: Dependencies,
): EarlyListener {
  const health = openHealth(settings, { registry, checks: dependencies.checks });
  const { url, stop, serve } = listen({
    ...settings,
    ...countHttp(registry),
    routes: health.routes,
    async fallback() {
      throw new Problem("unavailable", "this process still starts", {
        retryAfterMs: RETRY_AFTER_MS,
      });
    },
  });
  return {
    url,
    async stop(now) {
      await stop(now);
      await health.stop();
    },
    serve(routes, problemPage) {
      dependencies.started();
      serve([...routes, ...health.routes], problemPage);
    },
  };
}
