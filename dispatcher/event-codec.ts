/**
 * Events on the wire between processes: two lines each.
 *
 *     video:42 goal 1732300000123
 *     {"team":"home"}
 *     video:42 comment 1732300000456 1058 k3f9q 1732300000450
 *     {"text":"…"}
 *
 * Topic, type, wall clock, and for durable events sequence number, epoch and stamp; then `data` as
 * it is, JSON text, which has no line breaks. So nothing is escaped and nothing parsed, where JSON
 * in JSON would be both: see docs/decisions/dispatcher-frontend-link.md for the measurement.
 */

import { type Event, type JsonText, type Place, parseTopic, type Topic } from "@ovation/protocol";

/** What arrived is not a batch of ours. */
export class MalformedEventsError extends Error {
  override readonly name = "MalformedEventsError";
}

export interface DecodeOptions {
  readonly eventsMax: number;
  /**
   * Whether `data` is parsed, to be sure that it is JSON: where another data centre's word is not
   * enough.
   */
  readonly checkData?: boolean;
}

const TYPE = /^[a-z][a-z0-9._-]{0,63}$/;
const EPOCH = /^[a-z0-9]{1,8}$/;
/**
 * Above what is accepted now: versions before took as many UTF-16 units, and their logs have such
 * events. The exact bound, in bytes, held where the event entered; a frontend announces what no
 * frame can hold.
 */
export const LINK_DATA_CHARACTERS_MAX = 64 * 1024;

export function encodeEvent(event: Event): string {
  const { topic, type, at, place, data } = event;
  return place === undefined
    ? `${topic} ${type} ${at}\n${data}\n`
    : `${topic} ${type} ${at} ${place.seq} ${place.epoch} ${place.stamp}\n${data}\n`;
}

export function encodeEvents(events: readonly Event[]): string {
  let text = "";
  for (const event of events) text += encodeEvent(event);
  return text;
}

/**
 * Hot path: {@link encodeEvents} for a batch that leaves for several frontends, one after the
 * other: it is encoded once, and one text for all of them. Keeps the last batch, which links bound.
 */
export function createBatchEncoder(): (events: readonly Event[]) => string {
  let last: readonly Event[] = [];
  let text = "";
  return (events) => {
    if (events.length !== last.length || events.some((event, index) => event !== last[index])) {
      last = events;
      text = encodeEvents(events);
    }
    return text;
  };
}

/** Throws {@link MalformedEventsError}: a batch is taken whole or not at all. */
export function decodeEvents(
  text: string,
  { eventsMax, checkData = false }: DecodeOptions,
): Event[] {
  const events: Event[] = [];
  let start = 0;
  let lastTopicText = "";
  let lastTopic: Topic | undefined;
  while (start < text.length) {
    const headEnd = text.indexOf("\n", start);
    const dataEnd = headEnd < 0 ? -1 : text.indexOf("\n", headEnd + 1);
    if (dataEnd < 0) throw new MalformedEventsError("a line is missing");
    if (events.length >= eventsMax) throw new MalformedEventsError("too many events");
    const fields = text.slice(start, headEnd).split(" ");
    const [topicText = "", type = "", at] = fields;
    // Busy batches are mostly of one topic.
    if (topicText !== lastTopicText) {
      lastTopic = parseTopic(topicText);
      lastTopicText = topicText;
    }
    if (lastTopic === undefined || !TYPE.test(type))
      throw new MalformedEventsError("not a topic or type");
    const data = text.slice(headEnd + 1, dataEnd);
    checkJson(data, checkData);
    const event = { topic: lastTopic, type, at: toInteger(at), data: data as JsonText };
    const place = toPlace(fields);
    events.push(place === undefined ? event : { ...event, place });
    start = dataEnd + 1;
  }
  return events;
}

function toPlace(fields: readonly string[]): Place | undefined {
  if (fields.length === 3) return undefined;
  const [, , , seq, epoch = "", stamp] = fields;
  if (fields.length !== 6 || !EPOCH.test(epoch)) throw new MalformedEventsError("not a place");
  const place = { seq: toInteger(seq), epoch, stamp: toInteger(stamp) };
  if (place.seq < 1) throw new MalformedEventsError("not a sequence number");
  return place;
}

function toInteger(text: string | undefined): number {
  const value = text !== undefined && /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new MalformedEventsError("not a number");
  return value;
}

function checkJson(data: string, parse: boolean): void {
  if (
    data.length === 0 ||
    data.length > LINK_DATA_CHARACTERS_MAX ||
    data.includes("\r") ||
    data.includes("\0")
  ) {
    throw new MalformedEventsError("not the data of an event");
  }
  if (!parse) return;
  try {
    JSON.parse(data);
  } catch {
    throw new MalformedEventsError("data is not JSON");
  }
}
