/** What a frontend is given: its id, its upstream, its clocks and its limits. */

import type { AddressPools, Clock, DirectSender, FrontendId, Policy } from "@ovation/protocol";
import type { Authorize } from "./authorize.ts";
import type { ChangeLimits } from "./change-rates.ts";
import type { AdmissionLimits } from "./connections/admission.ts";
import type { ReplayLimits } from "./recovery/replay-budget.ts";
import type { TopicLimits } from "./topic-shares.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface FrontendOptions {
  readonly id: FrontendId;
  readonly upstream: Upstream;
  readonly policy: Policy;
  readonly authorize: Authorize;
  readonly clock: Clock;
  /** Monotonic: for delays, ages and lifetimes. Default: `clock`. */
  readonly steady?: Clock;
  readonly random: () => number;
  /** Writes broadcasts by descriptor. Absent: each connection's writer does. */
  readonly sender?: DirectSender | undefined;
  /** Runs something one turn of the event loop later. Default `setImmediate`. */
  soon?(run: () => void): void;
  /** ms since some moment, monotonic, with fractions. Default `performance.now`. */
  elapsed?(): number;
  /**
   * Resolves when all that dispatchers sent before has arrived. Absent in one process, where
   * nothing is in flight.
   */
  arrived?(): Promise<void>;
  readonly heartbeatMs: number;
  readonly reportMs?: number;
  readonly lingerMs?: number;
  /** The buffer of a topic without an event for this long is released. Default QUIET_MS. */
  readonly quietMs?: number;
  readonly lifetimeMs?: { readonly min: number; readonly max: number };
  /** A connection whose write stays pending this long is cut. Default STUCK_MS. */
  readonly stuckMs?: number;
  /** Where the shares and rates of addresses are counted. Default: in this process alone. */
  readonly pools?: AddressPools;
  /** How many connections it admits. Default DEFAULT_ADMISSION. */
  readonly admission?: AdmissionLimits;
  /** How much is replayed for returning clients. Default DEFAULT_REPLAY. */
  readonly replay?: ReplayLimits;
  /** How many topics it holds. Default DEFAULT_TOPICS. */
  readonly topics?: TopicLimits;
  /** How fast topics of connections change. Default DEFAULT_CHANGES. */
  readonly changes?: ChangeLimits;
  /** A failure that the frontend survives: log it. */
  onFailure(what: string, error: unknown): void;
}
