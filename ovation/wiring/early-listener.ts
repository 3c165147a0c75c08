/**
 * The public listener of a role that has to wait for others before it can serve: it is there from the first moment, says why it
 * is not ready, and answers everything else `unavailable`. So whoever watches the process sees that it lives, and is not tempted to
 * start it anew, which would not bring the database back.
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
  /** The role has what it needs: these are its routes from now on. */
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
