/**
 * What a dispatcher does for the frontends of its data centre. The frontend's side is `Upstream`
 * (in `frontend/`), whose methods lack the first argument: `upstream-http.ts` sends the calls to
 * any dispatcher, `upstream-routes.ts` serves them from this interface.
 *
 * Between two calls a dispatcher keeps only copies of the log: the result of any of them is valid.
 * All methods reject with a Problem (`unavailable`) when the table or the log is unreachable.
 * `Upstream` forms pass it on, so that a frontend can tell it from an unreachable dispatcher.
 */

import type {
  ConnectionChange,
  ConnectionChangeResult,
  EventPage,
  Report,
  TopicHead,
  UpstreamChange,
} from "@ovation/frontend";
import type { Epoch, FrontendId, Moment, StaffMember, Stamp, Topic } from "@ovation/protocol";
import type { FrontendAddress, LeaseMark } from "@ovation/table";

/** Viewers of a topic, as a frontend reports its own. */
export interface TopicViewers {
  readonly topic: Topic;
  readonly viewers: number;
}

export interface DispatcherApi {
  /** Applies the changes; returns the heads of the new topics: see `Upstream.change`. */
  change(
    frontend: FrontendAddress,
    changes: readonly UpstreamChange[],
  ): Promise<readonly TopicHead[]>;
  report(
    frontend: FrontendAddress,
    viewers: readonly TopicViewers[],
    since: Stamp,
  ): Promise<Report>;
  read(topic: Topic, after: number, limit: number, need?: number): Promise<EventPage>;
  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown">;
  reached(moment: Moment): Promise<boolean>;
  headAt(topic: Topic, stamp: Stamp): Promise<TopicHead>;
  /** Passes the change to the frontend that the connection id names. */
  changeConnection(change: ConnectionChange): Promise<ConnectionChangeResult>;
  present(members: readonly string[], staff: readonly StaffMember[]): Promise<void>;
  upgraded(guests: readonly string[]): Promise<readonly string[]>;
  renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark>;
  release(frontend: FrontendId): Promise<void>;
  /** See `Upstream.probe`. */
  probe(frontend: FrontendId, number: number): Promise<void>;
}
