/**
 * The interest of a peer data centre: events of topics without a subscriber there are skipped.
 *
 * The events of a busy topic are held here for a moment, and the peer is asked whether it has a
 * subscriber *now*, by a lookup like that of a dispatch. If not, the events that were held when the
 * question left are dropped: any later subscriber there joined after they were published. If so, or
 * without a response, all held events are forwarded, and later ones are forwarded at once.
 *
 * So nothing is kept in step between data centres, no subscribe waits for another data centre, and
 * no subscriber misses an event that it is owed. The first subscriber of a topic gets its first
 * events later by at most {@link INTEREST_EVERY_MS} and two round trips. See
 * docs/decisions/peer-interest.md.
 *
 * ```
 * at once ──busy, no subscriber──▶ held ──subscriber, no response, too many──▶ at once
 *                                  held ──quiet──▶ forgotten
 * ```
 */

import type { Clock, Event, Topic } from "@ovation/protocol";

/** How often a peer is asked which of the held topics have a subscriber. */
export const INTEREST_EVERY_MS = 250;
/**
 * In every eighth request, topics that are forwarded at once are asked about too, if they had this
 * many events since the last one.
 */
export const BUSY_ROUNDS = 8;
export const BUSY_EVENTS = 20;
/** A held topic without events during this many requests is forgotten. */
export const QUIET_ROUNDS = 40;
/** Topics whose events are counted; further ones are forwarded at once. */
export const COUNTED_TOPICS_MAX = 20_000;
/** Topics in one question. */
export const INTEREST_TOPICS_MAX = 2000;
/** Held for one peer; beyond, all of them are forwarded. */
export const INTEREST_HELD_EVENTS_MAX = 20_000;

export interface PeerInterestOptions {
  readonly clock: Clock;
  /**
   * Whether the peer has a subscriber, in the order of the topics; `undefined` where it does not
   * respond.
   */
  ask(topics: readonly Topic[]): Promise<readonly boolean[] | undefined>;
  /** Whether the lane is up: while it is not, nothing is held. */
  isUp(): boolean;
  /** Into the lane. `since` is when the events were published. */
  forward(events: readonly Event[], since: number): void;
}

interface HeldTopic {
  readonly events: { readonly event: Event; readonly since: number }[];
  quietRounds: number;
}

interface Question {
  readonly topic: Topic;
  /** Absent for a topic that is forwarded at once. */
  readonly held: HeldTopic | undefined;
  /** Events that were held when the question left. */
  readonly covered: number;
}

export class PeerInterest {
  readonly #options: PeerInterestOptions;
  readonly #topics = new Map<Topic, HeldTopic>();
  /** Events of topics that are forwarded at once, since `#countedRounds` was 0. */
  #counts = new Map<Topic, number>();
  #countedRounds = 0;
  #held = 0;
  #skipped = 0;
  #isAsking = false;
  #isClosed = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: PeerInterestOptions) {
    this.#options = options;
  }

  /** Events that were not forwarded, for lack of a subscriber. */
  get skipped(): number {
    return this.#skipped;
  }

  get held(): number {
    return this.#held;
  }

  push(events: readonly Event[]): void {
    const now = this.#options.clock.now();
    if (this.#isClosed || !this.#options.isUp()) {
      this.release();
      this.#options.forward(events, now);
      return;
    }
    const atOnce: Event[] = [];
    for (const event of events) {
      const held = this.#topics.get(event.topic);
      if (held === undefined) {
        this.#count(event.topic);
        atOnce.push(event);
      } else {
        held.events.push({ event, since: now });
        this.#held++;
      }
    }
    if (atOnce.length > 0) this.#options.forward(atOnce, now);
    if (this.#held > INTEREST_HELD_EVENTS_MAX) this.release();
    this.#schedule();
  }

  /** Forwards everything that is held. */
  release(): void {
    for (const [topic, held] of this.#topics) this.#releaseTopic(topic, held);
  }

  close(): void {
    this.release();
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  #schedule(): void {
    if (this.#isClosed || this.#isAsking || this.#cancelTimer !== undefined) return;
    if (this.#topics.size === 0 && this.#counts.size === 0) return;
    this.#cancelTimer = this.#options.clock.after(INTEREST_EVERY_MS, () => {
      this.#cancelTimer = undefined;
      this.#isAsking = true;
      void this.#ask().finally(() => {
        this.#isAsking = false;
        this.#schedule();
      });
    });
  }

  /** Hot path: one look-up and one addition per event, 0.1 µs (benchmark `peer-interest`). */
  #count(topic: Topic): void {
    const before = this.#counts.get(topic);
    if (before !== undefined) this.#counts.set(topic, before + 1);
    else if (this.#counts.size < COUNTED_TOPICS_MAX) this.#counts.set(topic, 1);
  }

  async #ask(): Promise<void> {
    const questions = this.#chooseQuestions();
    if (questions.length === 0) return;
    const { ask, isUp } = this.#options;
    const answers = isUp() ? await ask(questions.map(({ topic }) => topic)) : undefined;
    if (this.#isClosed) return;
    if (answers === undefined) {
      this.release();
      return;
    }
    for (const [index, question] of questions.entries())
      this.#apply(question, answers[index] !== false);
  }

  #apply({ topic, held, covered }: Question, hasSubscriber: boolean): void {
    // Released while the question was in flight.
    if (held !== this.#topics.get(topic)) return;
    if (hasSubscriber) {
      if (held !== undefined) this.#releaseTopic(topic, held);
    } else if (held === undefined) this.#topics.set(topic, { events: [], quietRounds: 0 });
    else {
      held.events.splice(0, covered);
      this.#held -= covered;
      this.#skipped += covered;
    }
  }

  #chooseQuestions(): Question[] {
    const questions: Question[] = [];
    for (const [topic, held] of this.#topics) {
      held.quietRounds = held.events.length > 0 ? 0 : held.quietRounds + 1;
      if (held.quietRounds > QUIET_ROUNDS) this.#topics.delete(topic);
      else if (held.events.length > 0) questions.push({ topic, held, covered: held.events.length });
    }
    if (++this.#countedRounds < BUSY_ROUNDS) return questions;
    for (const [topic, events] of this.#counts) {
      if (this.#topics.size + questions.length >= INTEREST_TOPICS_MAX) break;
      if (events >= BUSY_EVENTS) questions.push({ topic, held: undefined, covered: 0 });
    }
    this.#counts = new Map();
    this.#countedRounds = 0;
    return questions;
  }

  #releaseTopic(topic: Topic, { events }: HeldTopic): void {
    this.#topics.delete(topic);
    this.#held -= events.length;
    for (const { event, since } of events) this.#options.forward([event], since);
  }
}
