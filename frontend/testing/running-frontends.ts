/**
 * Frontends for tests: started, joined to a model of what is above them, and stopped after each
 * test.
 */

import { afterEach } from "bun:test";
import type { Frontend } from "../frontend.ts";
import type { FrontendOptions } from "../frontend-options.ts";
import type { ModelUpstream } from "./model-upstream.ts";
import { newFrontend } from "./new-frontend.ts";

export type StartFrontend = (
  upstream: ModelUpstream,
  options?: Partial<FrontendOptions> & { readonly name?: string },
) => Frontend;

/** Called once in a file of tests. */
export function runningFrontends(): StartFrontend {
  const frontends: Frontend[] = [];
  afterEach(async () => {
    await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
  });
  return (upstream, options = {}) => {
    const frontend = newFrontend(upstream, { reportMs: 20, lingerMs: 10_000, ...options });
    upstream.inboxes.push(frontend);
    frontends.push(frontend);
    frontend.start();
    return frontend;
  };
}
