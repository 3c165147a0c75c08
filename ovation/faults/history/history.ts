/**
 * What happened in a run, as plain data: what every publisher was told, what every viewer saw,
 * when what was broken. `checker.ts` judges it.
 *
 * All times are ms since the run began, by the one clock of the process that watches.
 */

import type { Json } from "@ovation/protocol";

/** What a publisher knows of its event. */
export type Outcome =
  /** Stored (durable: with its number), or taken on its way (live). */
  | { readonly kind: "acknowledged"; readonly seq: number | undefined }
  /** An answer that says: nothing was stored, nothing was sent. */
  | { readonly kind: "refused"; readonly code: string }
  /** No answer, or one that leaves it open. */
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

/** One event as somebody saw it. `content` is its type and data, as JSON text. */
export interface SeenEvent {
  readonly kind: "event";
  readonly topic: string;
  readonly seq: number | undefined;
  readonly key: string | undefined;
  readonly content: string;
  readonly at: number;
}

/** The connection stands. The rest is what only a plain viewer needs to be judged by. */
export interface Connected {
  readonly kind: "connected";
  readonly at: number;
  /** Which frontend it is to. */
  readonly frontend?: string;
  /**
   * The topics that the id which it brought back speaks of: there it is exact, wherever it
   * returns to.
   */
  readonly named?: readonly string[];
}

/** The total of likes that a viewer was told. */
export interface SeenTotal {
  readonly kind: "total";
  readonly topic: string;
  readonly likes: number;
  readonly at: number;
}

/** The number of viewers that a viewer was told. */
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
  /** Told that what it missed cannot be had. */
  | { readonly kind: "reset"; readonly topic: string; readonly head: number; readonly at: number }
  /** Told that live events were dropped. */
  | { readonly kind: "gap"; readonly topic: string; readonly lost: number; readonly at: number }
  | Connected
  | { readonly kind: "disconnected"; readonly at: number };

export interface Viewer {
  readonly name: string;
  /**
   * `sdk`: each durable event once, in order. `plain`: an EventSource that knows one id for all
   * its topics: complete and in order, but when it moves to another frontend, what came last may
   * come again in the topics that the id does not name.
   */
  readonly form: "sdk" | "plain";
  readonly topics: readonly string[];
  /** In the order in which it saw them; may be looked through more than once. */
  readonly entries: Iterable<Entry>;
  /** It was there, or had returned, when the run ended: then it must have everything. */
  readonly presentAtEnd: boolean;
}

/** Something was broken from `from` until it was mended at `to`. */
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

/**
 * Likes that were sent to one process. They are not sent again: nothing says whether they were
 * counted.
 */
export interface Like {
  readonly process: string;
  readonly topic: string;
  readonly count: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome["kind"];
}

/** What a process said at its stop that it could not store. */
export interface LostAtStop {
  readonly process: string;
  readonly at: number;
  readonly likes: number;
}

/** What a process answers about a video when everything is whole again. */
export interface SaidAtEnd {
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
  readonly atEnd: readonly SaidAtEnd[];
  /** The topic that exactly so many viewers have. */
  readonly counted: { readonly topic: string; readonly viewers: number } | undefined;
}

/** What an event says, for comparison: parsed and written again, so that spaces do not matter. */
export function contentOf(type: string, data: Json): string {
  return `${type} ${JSON.stringify(data)}`;
}

/**
 * The key within an event's data; absent in events of the system's own and in comments whose text
 * was taken out.
 */
export function keyOf(data: Json): string | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const { clientId, id } = data as { readonly [name: string]: Json };
  const key = clientId ?? id;
  return typeof key === "string" ? key : undefined;
}
