/**
 * A position is what `id:` carries and what a client brings back as `Last-Event-ID`. Opaque to
 * users.
 *
 * A browser's EventSource remembers one id, the last, however many topics it has, and the bytes of
 * a frame are the same for every connection, so an id can only name the topic of its frame. It
 * therefore carries two values that hold for *every* topic of the connection:
 *
 * - `order`: the place of this frame in all broadcasts of this frontend. The same frontend can
 *   later tell, for each topic, what it broadcast after that. Exact.
 * - `stamp`: every durable event committed up to this moment was broadcast before this frame. Any
 *   frontend can ask the log for later ones. Complete; a few seconds may repeat, which the SDK
 *   removes by `seq`. In one process it is exact as well.
 *
 * It also carries the newest moment of the log behind any of these frames, with its epoch: a log
 * that was restored from a backup and never reached it has lost events that the client may have.
 *
 * A frame for one connection lists topics instead: all of them (the first event), or those that are
 * behind, with a point that holds for the others (a replay).
 *
 * Text:
 * `1~<stamp>~<frontend>~<order>[~00.<ahead>.<epoch>]~<mark>.<seq>.<epoch>[~<mark>.<seq>.<epoch>…]`,
 * numbers in base 36. The moment has the form of a topic, with a mark that no topic has, so that
 * earlier versions skip it; `ahead` is its distance from the stamp, from 1. A moment before the
 * stamp is `01.<behind>.<epoch>`: an event of an earlier epoch that was late. A position is never
 * a proof: it gives access to nothing that the topic's policy does not allow.
 */

import { type FrontendId, parseFrontendId } from "../identifiers.ts";
import { POSITION_CHARACTERS_MAX, TOPICS_PER_CONNECTION_MAX } from "../limits.ts";
import type { Topic } from "../topic.ts";
import type { Epoch, Moment, Stamp } from "./event.ts";

const VERSION = "1";
/** Numbers have no leading zero, so no topic has these marks. */
const REACH_MARK = "00";
const BEHIND_MARK = "01";
/** Epochs that an id may name. */
export const REACH_MAX = 4;

declare const markBrand: unique symbol;
/** A topic's short name within a position: 41 bits of its hash. */
export type TopicMark = string & { readonly [markBrand]: true };

/** A reader's position in one topic: everything up to `seq` was received. */
export interface TopicPosition {
  readonly seq: number;
  /** The epoch of the event `seq`; empty for `seq` 0, where nothing was received yet. */
  readonly epoch: Epoch;
}

/** Holds for all topics of the connection. */
export interface BroadcastPoint {
  readonly stamp: Stamp;
  readonly frontend: FrontendId;
  readonly order: number;
  /**
   * What the log must have reached to hold everything the client may have: one moment, or one per
   * epoch that the frontend recently learned of. Absent in ids of earlier versions.
   */
  readonly reach?: readonly Moment[];
}

export interface Position {
  /** Absent in positions that list every topic. */
  readonly point?: BroadcastPoint;
  readonly topics: ReadonlyMap<TopicMark, TopicPosition>;
  /** The client returned with an id that this server never sent: what it has is unknown. */
  readonly isForeign?: boolean;
}

/** A 53-bit mixing hash (two rounds of 32-bit multiplications) cut to 41 bits: 8 characters. */
export function markOf(topic: Topic): TopicMark {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < topic.length; index++) {
    const unit = topic.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  const bits41 = (high & 0x1ff) * 4294967296 + (low >>> 0);
  return bits41.toString(36) as TopicMark;
}

/** The part of every id that all frames of a broadcast share, up to and without the topic. */
export function formatPoint(point: BroadcastPoint): string {
  const { stamp, frontend, order, reach = [] } = point;
  let text = `${VERSION}~${stamp.toString(36)}~${frontend}~${order.toString(36)}`;
  for (const moment of reach) text += formatMoment(moment, stamp);
  return text;
}

/**
 * Exact also before the stamp: a later moment of that epoch may be one that no log reached, and
 * without the epoch nothing says that the client may have an event that the log has lost.
 */
function formatMoment({ epoch, stamp: reached }: Moment, stamp: Stamp): string {
  if (reached < stamp) return `~${BEHIND_MARK}.${(stamp - reached).toString(36)}.${epoch}`;
  return `~${REACH_MARK}.${(reached - stamp + 1).toString(36)}.${epoch}`;
}

/** One topic's part. */
export function formatTopicPosition(mark: TopicMark, position: TopicPosition): string {
  return `~${mark}.${position.seq.toString(36)}.${position.epoch}`;
}

/** A position that lists its topics. */
export function formatPosition(topics: Iterable<readonly [Topic, TopicPosition]>): string {
  let text = `${VERSION}~~~`;
  for (const [topic, position] of topics) text += formatTopicPosition(markOf(topic), position);
  return text;
}

/** The position in `text`, or `undefined` where it is not one of ours. */
export function parsePosition(text: string): Position | undefined {
  if (text.length > POSITION_CHARACTERS_MAX) return undefined;
  const [version, stampText, frontendText, orderText, ...parts] = text.split("~");
  if (
    version !== VERSION ||
    stampText === undefined ||
    frontendText === undefined ||
    orderText === undefined
  )
    return undefined;
  if (parts.length > TOPICS_PER_CONNECTION_MAX + REACH_MAX) return undefined;

  const topics = new Map<TopicMark, TopicPosition>();
  /** The moments, by their distance from the stamp. */
  const distances: { readonly distance: number; readonly epoch: Epoch }[] = [];
  for (const part of parts) {
    const [mark, seqText, epoch, ...rest] = part.split(".");
    const seq = parseBase36(seqText ?? "");
    if (mark === undefined || seq === undefined || epoch === undefined || rest.length > 0)
      return undefined;
    if (
      !/^[a-z0-9]{1,8}$/.test(mark) ||
      !/^[a-z0-9]{0,8}$/.test(epoch) ||
      (seq === 0) !== (epoch === "")
    )
      return undefined;
    if (mark === REACH_MARK) distances.push({ distance: seq - 1, epoch });
    else if (mark === BEHIND_MARK) distances.push({ distance: -seq, epoch });
    else topics.set(mark as TopicMark, { seq, epoch });
  }
  if (topics.size > TOPICS_PER_CONNECTION_MAX || distances.length > REACH_MAX) return undefined;

  if (stampText === "" && frontendText === "" && orderText === "") return { topics };
  const stamp = parseBase36(stampText);
  const frontend = parseFrontendId(frontendText);
  const order = parseBase36(orderText);
  if (stamp === undefined || frontend === undefined || order === undefined) return undefined;
  const reach = distances.map(({ distance, epoch }) => ({ epoch, stamp: stamp + distance }));
  if (reach.some((moment) => moment.stamp < 0 || !Number.isSafeInteger(moment.stamp)))
    return undefined;
  if (reach.length === 0) return { point: { stamp, frontend, order }, topics };
  return { point: { stamp, frontend, order, reach }, topics };
}

/** The part of an id that a broadcast shares, without its topics; absent in ids that list them. */
export function pointOf(text: string): string | undefined {
  return /^1~[0-9a-z]+~[^~]+~[0-9a-z]+/.exec(text)?.[0];
}

/**
 * The position of one topic in an id that a server sent, without parsing the rest: for readers of
 * every event. Ids from clients go through {@link parsePosition}.
 */
export function positionIn(text: string, topic: Topic): TopicPosition | undefined {
  const start = text.indexOf(`~${markOf(topic)}.`);
  if (start < 0) return undefined;
  const [, , seqText, epoch] = text.slice(start, start + 64).split(/[.~]/, 4);
  const seq = parseBase36(seqText ?? "");
  return seq === undefined || epoch === undefined ? undefined : { seq, epoch };
}

function parseBase36(text: string): number | undefined {
  if (!/^[0-9a-z]{1,10}$/.test(text)) return undefined;
  const value = Number.parseInt(text, 36);
  return Number.isSafeInteger(value) ? value : undefined;
}
