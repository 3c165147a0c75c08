/** The parameters of a run, drawn from its seed: many small clusters rather than one large one. */

import { DEFAULT_POLICY, type KindPolicy, type Policy } from "@ovation/protocol";
import type { Random } from "../testing/random.ts";
import type { Settings } from "./world.ts";

/** Streams of before the healing that end by their lifetime do so within this time after it. */
export const LIFETIME_SHORT_MAX_MS = 20_000;
export const HEARTBEATS_MS = [2000, 4000] as const;

export function drawSettings(random: Random, chaosMs: number | undefined): Settings {
  return {
    datacenters: random.choose([1, 1, 2, 2, 3]),
    dispatchers: random.integer(1, 2),
    frontends: random.integer(1, 3),
    forward: random.choose(["all", "wanted"] as const),
    sdkViewers: random.integer(1, 4),
    eventSourceViewers: random.integer(1, 3),
    videos: random.integer(1, 4),
    members: random.integer(0, 2),
    heartbeatMs: random.choose(HEARTBEATS_MS),
    lingerMs: random.choose([50, 500, 3000, 10_000]),
    lifetimeMs: random.choose([
      { min: 3_600_000, max: 3_600_000 },
      { min: 3_600_000, max: 3_600_000 },
      { min: 3000, max: LIFETIME_SHORT_MAX_MS },
    ]),
    windowBytes: random.choose([1000, 8000, 64_000]),
    durableEveryMs: random.choose([50, 200, 1000]),
    liveEveryMs: random.choose([50, 200, 1000]),
    retention: random.chance(0.2) ? random.choose([5, 40]) : undefined,
    restores: random.chance(0.1),
    chaosMs: chaosMs ?? random.choose([4000, 10_000, 20_000]),
    faultEveryMs: random.choose([200, 700, 2000]),
    tokenMs: random.choose([8000, 3_600_000]),
  };
}

/** The built-in policy with the run's retention. */
export function policyFor(settings: Settings): Policy {
  const { retention } = settings;
  if (retention === undefined) return DEFAULT_POLICY;
  const limited = (kind: KindPolicy): KindPolicy => ({
    ...kind,
    retention: { eventsMax: retention },
  });
  return Object.fromEntries(
    Object.entries(DEFAULT_POLICY).map(([name, kind]) => [name, limited(kind)]),
  );
}
