/**
 * Lingering: topics without a subscriber stay for a while, because most clients that leave are
 * reconnecting. A topic that had only just come stays for a second at most: a client can make any
 * number of those. One timer and one entry for each topic, whatever comes and goes.
 */

import type { Clock } from "@ovation/protocol";
import { LINGER_STEP_MS, YOUNG_MS } from "../limits.ts";

export interface LingeringOptions<Topic> {
  readonly clock: Clock;
  readonly lingerMs: number;
  /** The topic's time is over; whether it has a subscriber again is for the callee to see. */
  onOver(topic: Topic): void;
}

/** Topics that stay equally long, in the order of their ends, as counts of steps. */
class Line<Topic> {
  readonly stayMs: number;
  readonly until = new Map<Topic, number>();

  constructor(stayMs: number) {
    this.stayMs = stayMs;
  }

  push(topic: Topic, end: number): void {
    this.until.delete(topic);
    this.until.set(topic, end);
  }
}

export class Lingering<Topic> {
  readonly #options: LingeringOptions<Topic>;
  readonly #grown: Line<Topic>;
  readonly #brief: Line<Topic>;
  /** Topics that came in this and in the last YOUNG_MS: no entry for what lives on. */
  #young = new Set<Topic>();
  #youngBefore = new Set<Topic>();
  #youngSince = 0;
  readonly #stepMs: number;
  /** Steps so far: a wall clock that is set back must not let topics stay for an hour. */
  #steps = 0;
  #isWatching = false;
  #isAging = false;

  constructor(options: LingeringOptions<Topic>) {
    this.#options = options;
    this.#stepMs = Math.max(1, Math.min(options.lingerMs, LINGER_STEP_MS));
    this.#grown = new Line<Topic>(options.lingerMs);
    this.#brief = new Line<Topic>(Math.min(options.lingerMs, YOUNG_MS));
  }

  /** Topics that are remembered as having only just come. */
  get young(): number {
    return this.#young.size + this.#youngBefore.size;
  }

  get size(): number {
    return this.#grown.until.size + this.#brief.until.size;
  }

  /** The topic is new. */
  came(topic: Topic): void {
    this.#age();
    this.#young.add(topic);
    this.#forgetLater();
  }

  /** Its last subscriber left. */
  left(topic: Topic): void {
    this.#age();
    const isYoung = this.#young.has(topic) || this.#youngBefore.has(topic);
    (isYoung ? this.#grown : this.#brief).until.delete(topic);
    const line = isYoung ? this.#brief : this.#grown;
    // A step in progress began before this.
    const begun = this.#isWatching ? 1 : 0;
    line.push(topic, this.#steps + Math.ceil(line.stayMs / this.#stepMs) + begun);
    this.#watch();
  }

  /** Takes the one that waits the longest out; those that had only just come first. */
  shift(): Topic | undefined {
    for (const { until } of [this.#brief, this.#grown]) {
      for (const topic of until.keys()) {
        until.delete(topic);
        return topic;
      }
    }
    return undefined;
  }

  #watch(): void {
    if (this.#isWatching || this.size === 0) return;
    this.#isWatching = true;
    this.#options.clock.after(this.#stepMs, () => {
      this.#isWatching = false;
      this.#steps++;
      for (const line of [this.#brief, this.#grown]) this.#end(line);
      this.#watch();
    });
  }

  #end({ until }: Line<Topic>): void {
    for (const [topic, end] of until) {
      if (end > this.#steps) return;
      until.delete(topic);
      this.#options.onOver(topic);
    }
  }

  /** Forgets what is not young any more. */
  #age(): void {
    const { clock } = this.#options;
    const age = clock.now() - this.#youngSince;
    if (age >= 0 && age < YOUNG_MS) return;
    this.#youngBefore = age >= 0 && age < 2 * YOUNG_MS ? this.#young : new Set();
    this.#young = new Set();
    this.#youngSince = clock.now();
  }

  /** Also where nothing comes after a million topics at once. */
  #forgetLater(): void {
    if (this.#isAging || this.young === 0) return;
    this.#isAging = true;
    this.#options.clock.after(YOUNG_MS, () => {
      this.#isAging = false;
      this.#age();
      this.#forgetLater();
    });
  }
}
