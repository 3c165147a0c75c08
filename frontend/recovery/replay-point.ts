/**
 * The ids of a replay for a connection with several topics. A cut at any frame must lose nothing,
 * so an id says where every topic stands. Most stand at the head: a point in this frontend's
 * broadcasts says that for all of them, and only the others are listed. The point is one for all
 * clients that return within a second, so that their frames are the same bytes.
 */

import {
  type Clock,
  type FrontendId,
  formatPoint,
  formatTopicPosition,
  type TopicPosition,
} from "@ovation/protocol";
import type { Channel } from "../broadcast/channel.ts";
import type { Hub } from "../broadcast/hub.ts";
import { REPLAY_POINT_MS } from "../limits.ts";

/** The beginning of an id that names no point: it lists every topic. */
const LISTED = "1~~~";

export interface ReplayPoint {
  readonly text: string;
  /** 0 where the ids list every topic. */
  readonly order: number;
}

export const LISTED_POINT: ReplayPoint = { text: LISTED, order: 0 };

export interface ReplayPointsOptions {
  readonly frontend: FrontendId;
  readonly hub: Hub;
  readonly clock: Clock;
}

export class ReplayPoints {
  readonly #options: ReplayPointsOptions;
  #shared: ReplayPoint | undefined;
  #sharedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayPointsOptions) {
    this.#options = options;
  }

  /** A point that holds for the topics that stand at the head: now or a moment ago. */
  pointFor(standings: ReadonlyMap<Channel, TopicPosition>): ReplayPoint {
    const { hub, clock } = this.#options;
    hub.watermark.settle();
    // Without a stamp another frontend would take the point for the beginning of the log.
    if (standings.size === 1 || hub.watermark.stamp <= 0) return LISTED_POINT;
    if (clock.now() - this.#sharedAt > REPLAY_POINT_MS) {
      this.#shared = this.#create();
      this.#sharedAt = clock.now();
    }
    const shared = this.#shared ?? this.#create();
    for (const [channel, position] of standings)
      if (isSame(position, channel.batched) && !covers(shared, channel, position))
        return this.#create();
    return shared;
  }

  /** A place between two broadcasts. */
  #create(): ReplayPoint {
    const { hub, frontend } = this.#options;
    const order = ++hub.order;
    const { stamp, reach } = hub.watermark;
    return { text: formatPoint({ stamp, frontend, order, reach }), order };
  }
}

/** The part of an id before the topic's own: where all the others stand. */
export function formatOthers(
  point: ReplayPoint,
  standings: ReadonlyMap<Channel, TopicPosition>,
  own?: Channel,
): string {
  let text = point.text;
  for (const [channel, position] of standings)
    if (channel !== own && !covers(point, channel, position))
      text += formatTopicPosition(channel.mark, position);
  return text;
}

/** Whether a client that returns with the point is served from the position. */
function covers({ order }: ReplayPoint, channel: Channel, position: TopicPosition): boolean {
  if (order === 0) return false;
  // Nothing was ever broadcast of it, so nothing was committed up to the point's stamp either.
  if (position.seq === 0 && channel.batched.seq === 0) return true;
  const known = channel.positionAt(order);
  return known !== undefined && isSame(known, position);
}

function isSame(left: TopicPosition, right: TopicPosition): boolean {
  return left.seq === right.seq && left.epoch === right.epoch;
}
