/** A frontend for tests and benchmarks: everything that they do not say is as in a process. */

import { DEFAULT_POLICY, type FrontendId, systemClock } from "@ovation/protocol";
import { OPEN_ADMISSION } from "../connections/admission.ts";
import { Frontend } from "../frontend.ts";
import type { FrontendOptions } from "../frontend-options.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** Not started; failures are silent. */
export function newFrontend(
  upstream: Upstream,
  options: Partial<FrontendOptions> & { readonly name?: string } = {},
): Frontend {
  const { name = "frontend1", ...given } = options;
  return new Frontend({
    id: name as FrontendId,
    upstream,
    policy: DEFAULT_POLICY,
    authorize: () => true,
    clock: systemClock,
    random: Math.random,
    heartbeatMs: 15_000,
    admission: OPEN_ADMISSION,
    onFailure() {},
    ...given,
  });
}
