/** A `gap`: how many live events of a topic a viewer did not receive, since when, and why. */

import { EVENT_DATA_BYTES_MAX } from "../limits.ts";
import type { Topic } from "../topic.ts";
import { type Event, isDurable, type JsonText, toJsonText, utf8Bytes } from "./event.ts";

export const GAP_TYPE = "gap";

export type GapReason =
  /** This viewer did not keep up. */
  | "slow"
  /** More events came than a process could pass on. */
  | "busy"
  /** They waited too long for a process or a data centre that was unreachable. */
  | "away"
  /** Its frame would exceed the limit: an earlier version accepted it. */
  | "large";

const REASONS: ReadonlySet<string> = new Set(["slow", "busy", "away", "large"]);

export interface Gap {
  readonly lost: number;
  /** Wall clock of the first and of the last lost event, ms. */
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** As an event, which travels between processes like any other live one. */
export function formatGap(topic: Topic, { lost, from, to, reason }: Gap): Event {
  return { topic, type: GAP_TYPE, at: to, data: toJsonText({ lost, from, to, reason }) };
}

/** `undefined` where it is not the data of a `gap` from another process. */
export function parseGap(data: JsonText): Gap | undefined {
  const { lost, from, to, reason } = (JSON.parse(data) ?? {}) as Partial<Gap>;
  if (![lost, from, to].every((value) => Number.isSafeInteger(value) && Number(value) >= 0))
    return undefined;
  if (typeof reason !== "string" || !REASONS.has(reason)) return undefined;
  return { lost: Number(lost), from: Number(from), to: Number(to), reason };
}

/** Announces live events that are dropped here: one `gap` per topic. */
export function announceLoss(dropped: readonly Event[], reason: GapReason): Event[] {
  const losses = new Map<Topic, Gap>();
  for (const { topic, type, at, data } of dropped) {
    const own = type === GAP_TYPE ? parseGap(data) : undefined;
    losses.set(topic, addGaps(losses.get(topic), own ?? { lost: 1, from: at, to: at, reason }));
  }
  return Array.from(losses, ([topic, loss]) => formatGap(topic, loss));
}

/** Both as one, with the later reason. */
export function addGaps(earlier: Gap | undefined, later: Gap): Gap {
  if (earlier === undefined) return later;
  return {
    lost: earlier.lost + later.lost,
    from: Math.min(earlier.from, later.from),
    to: Math.max(earlier.to, later.to),
    reason: later.reason,
  };
}

/**
 * How many `gap` events a batch of a buffer begins with. No publisher sent them, so they are not
 * counted as published events.
 */
export function countGaps(events: readonly Event[]): number {
  let gaps = 0;
  for (; ; gaps++) {
    const event = events[gaps];
    if (event?.type !== GAP_TYPE || isDurable(event)) return gaps;
  }
}

/**
 * The event, or a `gap` in its place where its frame would exceed {@link FRAME_BYTES_MAX}: the
 * sequence of a topic stays complete. Newly published events are never that large.
 */
export function fitToFrame(event: Event): Event {
  if (utf8Bytes(event.data, EVENT_DATA_BYTES_MAX) <= EVENT_DATA_BYTES_MAX) return event;
  const { topic, at } = event;
  const gap = formatGap(topic, { lost: 1, from: at, to: at, reason: "large" });
  return isDurable(event) ? { ...gap, place: event.place } : gap;
}
