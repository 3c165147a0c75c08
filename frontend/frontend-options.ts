/** What a frontend is given: who it is, the way up, its clocks and its limits. */

import type { AddressPools, Clock, DirectSender, FrontendId, Policy } from "@ovation/protocol";
import type { Authorize } from "./authorize.ts";
import type { ChangeLimits } from "./change-rates.ts";
import type { Connection } from "./connections/connection.ts";
import type { ReplayLimits } from "./recovery/replay-budget.ts";
import type { TopicLimits } from "./topic-shares.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface FrontendOptions {
  readonly id: FrontendId;
  readonly upstream: Upstream;
  readonly policy: Policy;
  readonly authorize: Authorize;
  readonly clock: Clock;
  /** For how long something lasts, waits or stays good: it never jumps. Default: `clock`. */
  readonly steady?: Clock;
  readonly random: () => number;
  /** Writes broadcasts to the sockets of connections that have one; without it, each by its own writer. */
  readonly sender?: DirectSender | undefined;
  /** Runs something one turn of the event loop later. Default `setImmediate`. */
  soon?(run: () => void): void;
  /** ms since some moment, with fractions: what the length of broadcasts is measured with. Default `performance.now`. */
  elapsed?(): number;
  /** Resolves when all that dispatchers had sent before has arrived. Absent in one process: nothing is under way there. */
  arrived?(): Promise<void>;
  readonly heartbeatMs: number;
  readonly reportMs?: number;
  readonly lingerMs?: number;
  /** A topic without an event for this long forgets its recent ones. Default QUIET_MS. */
  readonly quietMs?: number;
  readonly lifetimeMs?: { readonly min: number; readonly max: number };
  /** A connection whose write stays pending this long is cut. Default STUCK_MS. */
  readonly stuckMs?: number;
  /** Where what addresses use up is counted. Default: in this process alone. */
  readonly pools?: AddressPools;
  /** How much is replayed for clients that return. Default DEFAULT_REPLAY. */
  readonly replay?: ReplayLimits;
  /** How many topics it holds. Default DEFAULT_TOPICS. */
  readonly topics?: TopicLimits;
  /** How fast topics of connections change. Default DEFAULT_CHANGES. */
  readonly changes?: ChangeLimits;
  /** Once for every admitted connection, whoever ended it and whether or not it ever opened. */
  onClosed?(connection: Connection): void;
  /** A failure that the frontend goes on from: it is logged. */
  onFailure(what: string, error: unknown): void;
}
