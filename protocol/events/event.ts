/**
 * An event as it travels between publishers, dispatchers and frontends, and as a client sees it.
 *
 * `data` is JSON text, serialised once where the event enters the system: no hop parses it again,
 * except those that merge.
 */

import {
  EVENT_DATA_BYTES_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  TOPIC_ID_CHARACTERS_MAX,
  TOPIC_KIND_CHARACTERS_MAX,
} from "../limits.ts";
import type { Topic } from "../topic.ts";

declare const jsonBrand: unique symbol;
/** Valid JSON text without CR or LF (`JSON.stringify` writes them as escapes). */
export type JsonText = string & { readonly [jsonBrand]: true };

/** Anything that JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export function toJsonText(value: unknown): JsonText {
  const text = JSON.stringify(value);
  if (text === undefined) throw new Error("not JSON");
  return text as JsonText;
}

/** The place that the log assigned to a durable event. */
export interface Place {
  /** Number within the topic: contiguous, from 1. */
  readonly seq: number;
  /**
   * The log epoch in which the event was written. A restored backup starts a new epoch, so `(seq,
   * epoch)` names one event for ever, and a position from a lost future is recognised.
   */
  readonly epoch: Epoch;
  /** When it was committed: ms of the log's clock, never decreasing in one log. */
  readonly stamp: Stamp;
}

/** A log epoch: 1 to 8 characters of `[a-z0-9]`. */
export type Epoch = string;
/** ms since 1970 by the log's clock. */
export type Stamp = number;

/**
 * A moment of a log: what epoch `epoch`, and those before it, had committed up to `stamp`. A log
 * that was restored from a backup never reached the moments after the backup.
 */
export interface Moment {
  readonly epoch: Epoch;
  readonly stamp: Stamp;
}

/** An event between processes: live without a place, durable with one. */
export interface Event {
  readonly topic: Topic;
  readonly type: string;
  /** The publisher's wall clock, ms since 1970. */
  readonly at: number;
  readonly data: JsonText;
  readonly place?: Place;
}

/** A durable event: it has its place. */
export interface DurableEvent extends Event {
  readonly place: Place;
}

export function isDurable(event: Event): event is DurableEvent {
  return event.place !== undefined;
}

/** The number of durable events among them; the others are live. */
export function countDurable(events: readonly Event[]): number {
  let durable = 0;
  for (const event of events) if (event.place !== undefined) durable++;
  return durable;
}

/**
 * UTF-8 bytes of the text; an upper bound of them where that is surely within `bound`. Hot path:
 * called for every event, and hardly any is near the bound.
 */
export function utf8Bytes(text: string, bound = 0): number {
  const most = text.length * 3;
  return most <= bound ? most : encoder.encode(text).length;
}
const encoder = new TextEncoder();

const EVENT_HEAD_BYTES = 64;
/** The largest {@link sizeOf} of an event that was accepted. */
export const EVENT_BYTES_MAX =
  EVENT_DATA_BYTES_MAX +
  TOPIC_KIND_CHARACTERS_MAX +
  1 +
  TOPIC_ID_CHARACTERS_MAX +
  EVENT_TYPE_CHARACTERS_MAX +
  EVENT_HEAD_BYTES;

/** Approximate bytes of the event, in transit and in memory: buffers are bounded by it. */
export function sizeOf(event: Event): number {
  return event.data.length + event.topic.length + event.type.length + EVENT_HEAD_BYTES;
}

const EVENT_TYPE = new RegExp(`^[a-z][a-z0-9._-]{0,${EVENT_TYPE_CHARACTERS_MAX - 1}}$`);

/** Types that the system itself writes; a publisher must not forge them. */
const SYSTEM_TYPES: ReadonlySet<string> = new Set(["connection", "gap", "reconnect", "stats"]);
/** [spec] HTML, 9.2.2: EventSource fires events of these names itself, and pages act on them. */
const EVENT_SOURCE_TYPES: ReadonlySet<string> = new Set(["error", "open"]);

export const RESERVED_TYPES: ReadonlySet<string> = new Set([
  ...SYSTEM_TYPES,
  ...EVENT_SOURCE_TYPES,
]);

/** Whether a publisher may use this type: no CR, LF or NUL can reach a frame through it. */
export function isEventType(text: string): boolean {
  return EVENT_TYPE.test(text) && !RESERVED_TYPES.has(text);
}

/** Why a publisher must not use it, in words; `undefined` where it may. */
export function problemOfType(type: string): string | undefined {
  if (SYSTEM_TYPES.has(type)) return `the type "${type}" is reserved: only Ovation writes it`;
  if (EVENT_SOURCE_TYPES.has(type))
    return (
      `the type "${type}" is reserved: EventSource uses the name itself, ` +
      "and pages would take the event for a failed or a new connection"
    );
  if (EVENT_TYPE.test(type)) return undefined;
  return (
    'a type is a lower-case letter, then lower-case letters, digits, ".", "_" and "-", ' +
    `at most ${EVENT_TYPE_CHARACTERS_MAX} characters`
  );
}
