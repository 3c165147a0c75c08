/** What every simulated part needs: time, randomness, the network, the truth, and the verdict. */

import type { Policy } from "@ovation/protocol";
import type { Random } from "../testing/random.ts";
import type { Truth } from "./checkers/truth.ts";
import type { Verdict } from "./checkers/verdict.ts";
import type { Timeline } from "./clock.ts";
import type { Network } from "./network.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Trace } from "./trace.ts";

/** The parameters of a run; drawn from the seed in `scenario.ts`. */
export interface Settings {
  readonly datacenters: number;
  /** Per data centre. */
  readonly dispatchers: number;
  readonly frontends: number;
  /** What dispatchers forward to other data centres. */
  readonly forward: "all" | "wanted";
  readonly sdkViewers: number;
  readonly eventSourceViewers: number;
  readonly videos: number;
  readonly members: number;
  readonly heartbeatMs: number;
  readonly lingerMs: number;
  readonly lifetimeMs: { readonly min: number; readonly max: number };
  /** Bytes in flight of one connection beyond which a write waits. */
  readonly windowBytes: number;
  /** Mean ms between two durable, and two live events. */
  readonly durableEveryMs: number;
  readonly liveEveryMs: number;
  /** Durable events kept per topic; undefined: all. */
  readonly retention: number | undefined;
  /** Whether backups of the log are restored. */
  readonly restores: boolean;
  readonly chaosMs: number;
  /** Mean ms between two faults. */
  readonly faultEveryMs: number;
  readonly tokenMs: number;
}

export interface World {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly network: Network;
  readonly trace: Trace;
  readonly truth: Truth;
  readonly verdict: Verdict;
  readonly policy: Policy;
  readonly settings: Settings;
  /** Injects a bug. */
  readonly sabotage: Sabotage | undefined;
  /** No more faults: connections and tokens last from now on. */
  healed: boolean;
  /** Failures that parts reported and recovered from. */
  tolerated: number;
}
