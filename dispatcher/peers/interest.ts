/**
 * What a peer data centre wants: events of topics that nobody there has are spared.
 *
 * A busy topic's events are held back here for a moment, and the peer is asked whether it has a subscriber
 * *now*, by a lookup like that of a dispatch. Nobody: what was held when the question left is dropped, since
 * whoever subscribes there later was answered after it was published. Somebody, or no answer: all of it goes on
 * its way, and what follows goes at once.
 *
 * So nothing is kept in step between data centres, no subscribe waits for another one, and nobody misses an
 * event that they are owed: the first subscriber of a topic there gets the first events later by at most
 * {@link INTEREST_EVERY_MS} and twice the way there and back. See docs/decisions/peer-interest.md.
 *
 * ```
 * at once ──busy, and nobody has it──▶ held ──somebody has it, no answer, too much──▶ at once
 *                                      held ──quiet──▶ forgotten
 * ```
 */

import type { Clock, Event, Topic } from "@ovation/protocol";

/** Between two questions. */
export const INTEREST_EVERY_MS = 250;
/** Topics that go at once are asked about every so many questions, if they had so many events since. */
export const BUSY_ROUNDS = 8;
export const BUSY_EVENTS = 20;
/** A held topic without events for so many questions is forgotten: its next event goes at once. */
export const QUIET_ROUNDS = 40;
/** Topics whose events are counted; further ones go at once. */
export const COUNTED_TOPICS_MAX = 20_000;
/** Topics in one question. */
export const INTEREST_TOPICS_MAX = 2000;
/** Held for one peer; beyond, all of it goes on its way. */
export const INTEREST_HELD_EVENTS_MAX = 20_000;

export interface PeerInterestOptions {
  readonly clock: Clock;
  /** Whether somebody there has the topic, in the order of the topics; `undefined` where the peer does not say. */
  ask(topics: readonly Topic[]): Promise<readonly boolean[] | undefined>;
  /** Whether the way there is open: while it is not, nothing is held. */
  isUp(): boolean;
  /** Into the lane. `since` is when they were published. */
  forward(events: readonly Event[], since: number): void;
}

export interface PeerInterest {
  push(events: readonly Event[]): void;
  /** Everything that is held goes on its way. */
  release(): void;
  /** Events that were not forwarded, because nobody there has the topic. */
  readonly spared: number;
  readonly held: number;
  close(): void;
}

interface Held {
  events: { readonly event: Event; readonly since: number }[];
  quietRounds: number;
}

export function createPeerInterest({
  clock,
  ask,
  isUp,
  forward,
}: PeerInterestOptions): PeerInterest {
  const unwanted = new Map<Topic, Held>();
  let counts = new Map<Topic, number>();
  let countedRounds = 0;
  let held = 0;
  let spared = 0;
  let closed = false;
  let cancelTimer: (() => void) | undefined;
  let asking = false;

  function arm(): void {
    if (closed || asking || cancelTimer !== undefined || (unwanted.size === 0 && counts.size === 0))
      return;
    cancelTimer = clock.after(INTEREST_EVERY_MS, () => {
      cancelTimer = undefined;
      asking = true;
      void round().finally(() => {
        asking = false;
        arm();
      });
    });
  }

  /** Hot path: one look-up and one addition per event, 0.1 µs (`npm run bench -- peer-interest`). */
  function count(topic: Topic): void {
    const before = counts.get(topic);
    if (before !== undefined) counts.set(topic, before + 1);
    else if (counts.size < COUNTED_TOPICS_MAX) counts.set(topic, 1);
  }

  async function round(): Promise<void> {
    const asked = choose();
    if (asked.length === 0) return;
    const answers = isUp() ? await ask(asked.map(({ topic }) => topic)) : undefined;
    if (closed) return;
    if (answers === undefined) {
      release();
      return;
    }
    for (const [index, { topic, found, known }] of asked.entries()) {
      // It was released meanwhile.
      if (found !== unwanted.get(topic)) continue;
      if (answers[index] !== false) {
        if (found !== undefined) sendOn(topic, found);
      } else if (found === undefined) unwanted.set(topic, { events: [], quietRounds: 0 });
      else {
        found.events.splice(0, known);
        held -= known;
        spared += known;
      }
    }
  }

  /** What to ask about, with how much of it is held at this moment. */
  function choose(): {
    readonly topic: Topic;
    readonly found: Held | undefined;
    readonly known: number;
  }[] {
    const asked: { topic: Topic; found: Held | undefined; known: number }[] = [];
    for (const [topic, found] of unwanted) {
      found.quietRounds = found.events.length > 0 ? 0 : found.quietRounds + 1;
      if (found.quietRounds > QUIET_ROUNDS) unwanted.delete(topic);
      else if (found.events.length > 0) asked.push({ topic, found, known: found.events.length });
    }
    if (++countedRounds < BUSY_ROUNDS) return asked;
    for (const [topic, events] of counts) {
      if (unwanted.size + asked.length >= INTEREST_TOPICS_MAX) break;
      if (events >= BUSY_EVENTS) asked.push({ topic, found: undefined, known: 0 });
    }
    counts = new Map();
    countedRounds = 0;
    return asked;
  }

  function sendOn(topic: Topic, { events }: Held): void {
    unwanted.delete(topic);
    held -= events.length;
    for (const { event, since } of events) forward([event], since);
  }

  function release(): void {
    for (const [topic, found] of unwanted) sendOn(topic, found);
  }

  return {
    push(events) {
      const now = clock.now();
      if (closed || !isUp()) {
        release();
        forward(events, now);
        return;
      }
      const atOnce: Event[] = [];
      for (const event of events) {
        const found = unwanted.get(event.topic);
        if (found === undefined) {
          count(event.topic);
          atOnce.push(event);
        } else {
          found.events.push({ event, since: now });
          held++;
        }
      }
      if (atOnce.length > 0) forward(atOnce, now);
      if (held > INTEREST_HELD_EVENTS_MAX) release();
      arm();
    },
    release,
    get spared() {
      return spared;
    },
    get held() {
      return held;
    },
    close() {
      release();
      closed = true;
      cancelTimer?.();
    },
  };
}
