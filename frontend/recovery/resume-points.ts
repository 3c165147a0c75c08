/**
 * Resume points: from where each topic of a returning client is served. The position that a client
 * brings is not trusted: it is compared with what this frontend broadcast, or with the log.
 */

import type {
  BroadcastPoint,
  FrontendId,
  Moment,
  Position,
  TopicPosition,
} from "@ovation/protocol";
import type { HubChannel } from "../broadcast/hub.ts";
import type { Connection } from "../connections/connection.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Asker, PositionChecks } from "./position-checks.ts";
import type { ReplayBudget } from "./replay-budget.ts";

export interface ResumePoint {
  readonly from: TopicPosition;
  /** False where events were missed that cannot be replayed. */
  readonly recovered: boolean;
}

export interface ResumePointsOptions {
  readonly frontend: FrontendId;
  readonly checks: PositionChecks;
  readonly catchUp: Pick<CatchUp, "pass" | "reach">;
  readonly budget: ReplayBudget;
}

/** For a client without a position, and for a topic that its position does not name. */
export function resumeAtHead(channel: HubChannel): ResumePoint {
  return { from: channel.batched, recovered: true };
}

export class ResumePoints {
  readonly #options: ResumePointsOptions;

  constructor(options: ResumePointsOptions) {
    this.#options = options;
  }

  /** One for each joined channel, within the replay budget of the connection's address. */
  async of(
    connection: Pick<Connection, "address" | "closed">,
    channels: readonly HubChannel[],
    position: Position,
  ): Promise<ReadonlyMap<HubChannel, ResumePoint>> {
    const { catchUp } = this.#options;
    await catchUp.pass(position, channels);
    const points = new Map<HubChannel, ResumePoint>();
    for (const channel of channels) {
      if (connection.closed) break;
      const point = await this.#resolve(connection.address, channel, position);
      if (point.recovered) await catchUp.reach(channel, point.from.seq);
      points.set(channel, point);
    }
    this.#applyBudget(connection.address, points);
    return points;
  }

  /** Topics with the fewest missed events first, so that as many as possible are complete. */
  #applyBudget(address: string, points: Map<HubChannel, ResumePoint>): void {
    const missedOf = (channel: HubChannel, { from }: ResumePoint) =>
      Math.max(0, channel.batched.seq - from.seq);
    const ascending = [...points].sort((left, right) => missedOf(...left) - missedOf(...right));
    let events = 0;
    for (const [channel, point] of ascending) {
      const missed = missedOf(channel, point);
      if (missed === 0) continue;
      if (this.#options.budget.allows(address, events + missed)) events += missed;
      else points.set(channel, unrecovered(channel));
    }
  }

  async #resolve(address: string, channel: HubChannel, position: Position): Promise<ResumePoint> {
    if (position.isForeign === true) return unrecovered(channel);
    const asker = { address, joinedOrder: channel.joinedOrder };
    const named = await this.#locate(asker, channel, position);
    if (named === "lost") return unrecovered(channel);
    if (named === undefined) return resumeAtHead(channel);
    const missed = channel.batched.seq - named.seq;
    // More than a request may have replayed: the log need not be asked.
    if (missed > this.#options.budget.limits.eventsPerRequest) return unrecovered(channel);
    return (await this.#isReplayable(asker, channel, named))
      ? { from: named, recovered: true }
      : unrecovered(channel);
  }

  /**
   * The topic's position within `position`; `undefined` where it names none, `lost` where the
   * client may have events that the log has lost.
   */
  async #locate(
    asker: Asker,
    channel: HubChannel,
    position: Position,
  ): Promise<TopicPosition | "lost" | undefined> {
    const { frontend, checks } = this.#options;
    const listed = position.topics.get(channel.mark);
    if (listed !== undefined) return listed;
    const { point } = position;
    if (point === undefined) return undefined;
    if (point.frontend === frontend) {
      const known = channel.positionAt(point.order);
      if (known !== undefined) return known;
    }
    for (const moment of reachOf(point)) if (!(await checks.reached(asker, moment))) return "lost";
    return checks.headAt(asker, channel.topic, point.stamp);
  }

  /** Whether all events after `named` can be replayed. */
  async #isReplayable(asker: Asker, channel: HubChannel, named: TopicPosition): Promise<boolean> {
    const { checks } = this.#options;
    const { batched, buffer, topic } = channel;
    if (named.seq === batched.seq) return named.epoch === batched.epoch;
    const inHistory = named.seq < batched.seq ? buffer?.history?.matches(named) : undefined;
    if (inHistory !== undefined) return inHistory;
    if (named.seq === 0) return (await checks.firstOf(asker, topic)) <= 1;
    return (await checks.wrote(asker, topic, named.seq, named.epoch)) === "yes";
  }
}

function unrecovered(channel: HubChannel): ResumePoint {
  return { from: channel.batched, recovered: false };
}

/** Ids of earlier versions name no epoch. */
function reachOf({ reach = [], stamp }: BroadcastPoint): readonly Moment[] {
  return reach.length > 0 ? reach : [{ epoch: "", stamp }];
}
