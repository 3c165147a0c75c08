/**
 * What happened in a run, as plain data: the responses to publishers, what every viewer saw, and
 * the faults. `checker.ts` judges it.
 *
 * All times are ms since the run began, by the clock of the process that records.
 */

import type { Json } from "@ovation/protocol";

/** What a publisher knows of its event. */
export type Outcome =
  /** Stored (durable: with its number), or in flight (live). */
  | { readonly kind: "acknowledged"; readonly seq: number | undefined }
  /** A response that means: nothing was stored, nothing was sent. */
  | { readonly kind: "refused"; readonly code: string }
  /** No response, or one that leaves it open. */
  | { readonly kind: "unknown" };

export interface Publish {
  readonly publisher: string;
  readonly topic: string;
  readonly lane: "durable" | "live";
  /**
   * Occurs in the event's data, and in no other's: `clientId` of a comment, `id` in the data of
   * others.
   */
  readonly key: string;
  /** Live: its place in what this publisher published to this topic. */
  readonly number: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** How often it was sent: retries have the same key. */
  readonly attempts: number;
  readonly outcome: Outcome;
}

/** One event as a viewer saw it. `content` is its type and data, as JSON text. */
export interface SeenEvent {
  readonly kind: "event";
  readonly topic: string;
  readonly seq: number | undefined;
  readonly key: string | undefined;
  readonly content: string;
  readonly at: number;
}

/** The connection is open. The properties beside `at` are for plain viewers. */
export interface Connected {
  readonly kind: "connected";
  readonly at: number;
  /** Which frontend it is to. */
  readonly frontend?: string;
  /** The topics that the event id of its request names: there it is exact on any frontend. */
  readonly named?: readonly string[];
}

/** The total of likes that a viewer received. */
export interface SeenTotal {
  readonly kind: "total";
  readonly topic: string;
  readonly likes: number;
  readonly at: number;
}

/** The number of viewers that a viewer received. */
export interface SeenViewers {
  readonly kind: "viewers";
  readonly topic: string;
  readonly viewers: number;
  readonly at: number;
}

export type Entry =
  | SeenEvent
  | SeenTotal
  | SeenViewers
  /** The topic begins after this number. */
  | {
      readonly kind: "subscribed";
      readonly topic: string;
      readonly head: number;
      readonly at: number;
    }
  /** The missed events are not available: the topic starts over. */
  | { readonly kind: "reset"; readonly topic: string; readonly head: number; readonly at: number }
  /** Live events were dropped. */
  | { readonly kind: "gap"; readonly topic: string; readonly lost: number; readonly at: number }
  | Connected
  | { readonly kind: "disconnected"; readonly at: number };

export interface Viewer {
  readonly name: string;
  /**
   * `sdk`: each durable event once, in order. `plain`: an EventSource with one id for all topics:
   * complete and in order, but when it moves to another frontend, the last events of topics that
   * the id does not name may be repeated.
   */
  readonly form: "sdk" | "plain";
  readonly topics: readonly string[];
  /** In the order in which it saw them; may be read more than once. */
  readonly entries: Iterable<Entry>;
  /** It was connected, or reconnecting, when the run ended: it must have all events. */
  readonly presentAtEnd: boolean;
}

/** A fault, from its begin until it was healed. */
export interface Injected {
  readonly kind: string;
  readonly target: string;
  readonly from: number;
  readonly to: number;
}

export interface LoggedEvent {
  readonly seq: number;
  readonly key: string | undefined;
  readonly content: string;
}

/** Likes that were sent to one process, once: it is not known whether a failed request counted. */
export interface Like {
  readonly process: string;
  readonly topic: string;
  readonly count: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome["kind"];
}

/** Likes that a process could not store, as it reported when it stopped. */
export interface LostAtStop {
  readonly process: string;
  readonly at: number;
  readonly likes: number;
}

/** What a process returns for a video at the end of the run. */
export interface CountsAtEnd {
  readonly process: string;
  readonly topic: string;
  readonly likes: number;
  readonly viewers: number;
}

export interface History {
  readonly publishes: readonly Publish[];
  readonly viewers: readonly Viewer[];
  readonly faults: readonly Injected[];
  /** The log at the end, ascending by `seq`. */
  readonly log: ReadonlyMap<string, readonly LoggedEvent[]>;
  readonly likes: readonly Like[];
  readonly lostAtStop: readonly LostAtStop[];
  readonly atEnd: readonly CountsAtEnd[];
  /** The topic with a known number of viewers. */
  readonly counted: { readonly topic: string; readonly viewers: number } | undefined;
}

/** The content of an event, for comparison: parsed and written again, so that spaces are equal. */
export function contentOf(type: string, data: Json): string {
  return `${type} ${JSON.stringify(data)}`;
}

/** The key within an event's data; absent in Ovation's own events and in removed comments. */
export function keyOf(data: Json): string | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const { clientId, id } = data as { readonly [name: string]: Json };
  const key = clientId ?? id;
  return typeof key === "string" ? key : undefined;
}
