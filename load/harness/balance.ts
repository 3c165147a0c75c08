/**
 * Compares the responses to publishers with the events at viewers, one by one: a pure function.
 * Every viewer is owed every acknowledged event.
 */
import type { PublishedEvent } from "./failover-publishers.ts";

export interface SeenEvent {
  readonly id: string;
  /** Of a durable event. */
  readonly seq: number | undefined;
}

export interface Witness {
  readonly seen: readonly SeenEvent[];
  /** Live events that a `gap` reported as lost to this viewer. */
  readonly announced: number;
}

export interface Lane {
  readonly acknowledged: number;
  /** Sent without a response; of them, those that a viewer saw. */
  readonly unanswered: number;
  readonly unansweredSeen: number;
  readonly refused: number;
  /** Acknowledged, and not seen by every viewer. */
  readonly lost: readonly PublishedEvent[];
  /** Seen more than once by a viewer. */
  readonly twice: number;
  /**
   * Live: after a later one of the same publisher and dispatcher. Durable: not the next number of
   * its topic.
   */
  readonly disordered: number;
}

export interface Balance {
  readonly live: Lane;
  readonly durable: Lane;
  readonly announced: number;
  /** Seen, and never published. */
  readonly phantoms: number;
}

export function balance(
  published: readonly PublishedEvent[],
  witnesses: readonly Witness[],
): Balance {
  const byId = new Map(published.map((event) => [event.id, event]));
  const counts = witnesses.map(({ seen }) => {
    const times = new Map<string, number>();
    for (const { id } of seen) times.set(id, (times.get(id) ?? 0) + 1);
    return times;
  });
  const lane = (durable: boolean): Lane => {
    const own = published.filter((event) => event.durable === durable);
    const acknowledged = own.filter(({ outcome }) => outcome === "acknowledged");
    const unanswered = own.filter(({ outcome }) => outcome === "unanswered");
    return {
      acknowledged: acknowledged.length,
      unanswered: unanswered.length,
      unansweredSeen: unanswered.filter(({ id }) => counts.some((times) => times.has(id))).length,
      refused: own.filter(({ outcome }) => outcome === "refused").length,
      lost: acknowledged.filter(({ id }) => counts.some((times) => !times.has(id))),
      twice: own.filter(({ id }) => counts.some((times) => (times.get(id) ?? 0) > 1)).length,
      disordered: sum(
        witnesses.map(({ seen }) => (durable ? holes(seen, byId) : overtaken(seen, byId))),
      ),
    };
  };
  return {
    live: lane(false),
    durable: lane(true),
    announced: sum(witnesses.map(({ announced }) => announced)),
    phantoms: sum(witnesses.map(({ seen }) => seen.filter(({ id }) => !byId.has(id)).length)),
  };
}

/** Durable events whose number does not follow the last of their topic. */
function holes(seen: readonly SeenEvent[], byId: ReadonlyMap<string, PublishedEvent>): number {
  const last = new Map<string, number>();
  let found = 0;
  for (const { id, seq } of seen) {
    const topic = byId.get(id)?.topic;
    if (seq === undefined || topic === undefined) continue;
    const before = last.get(topic);
    if (before !== undefined && seq !== before + 1) found++;
    last.set(topic, seq);
  }
  return found;
}

/**
 * One publisher waits for each response, so its events through one dispatcher come in that order.
 */
function overtaken(seen: readonly SeenEvent[], byId: ReadonlyMap<string, PublishedEvent>): number {
  const last = new Map<string, number>();
  let found = 0;
  for (const { id } of seen) {
    const event = byId.get(id);
    if (event === undefined || event.durable) continue;
    const way = `${event.client} ${event.dispatcher}`;
    const number = Number(id.slice(id.indexOf("-") + 1));
    if (number < (last.get(way) ?? -1)) found++;
    last.set(way, number);
  }
  return found;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * From the kill until every publisher of the dead dispatcher had a response from another one, ms.
 */
export function movedAfterMs(
  published: readonly PublishedEvent[],
  dead: number,
  killedAt: number,
): number {
  const clients = new Set(
    published.filter((event) => event.dispatcher === dead).map(({ client }) => client),
  );
  const first = new Map<number, number>();
  for (const { client, dispatcher, outcome, endedAt } of published) {
    if (
      dispatcher === dead ||
      outcome !== "acknowledged" ||
      endedAt < killedAt ||
      !clients.has(client)
    )
      continue;
    first.set(client, Math.min(first.get(client) ?? Number.POSITIVE_INFINITY, endedAt));
  }
  return first.size < clients.size
    ? Number.POSITIVE_INFINITY
    : Math.max(0, ...[...first.values()].map((at) => at - killedAt));
}
