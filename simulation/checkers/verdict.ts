/** Where the checkers report violations. The first one ends the run. */

import { BEGINNING_MS, type Timeline } from "../clock.ts";

/** Each check by name; `docs/simulation.md` says what each means. */
export type Check =
  | "crash"
  | "not-subscribed"
  | "wire-order"
  | "wire-hole"
  | "live-twice"
  | "live-again"
  | "sdk-order"
  | "sdk-head"
  | "content"
  | "lives-mixed"
  | "unjustified-reset"
  | "refused"
  | "incomplete"
  | "lost-future"
  | "not-connected"
  | "acknowledged-lost"
  | "table-stale"
  | "table-missing"
  | "viewer-counts"
  | "likes"
  | "memory";

export interface Failure {
  readonly check: Check;
  readonly detail: string;
  /** ms since the beginning of the run. */
  readonly atMs: number;
}

export class Verdict {
  failure: Failure | undefined;
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  fail(check: Check, detail: string): void {
    if (this.failure !== undefined) return;
    this.failure = { check, detail, atMs: Math.round(this.#timeline.now - BEGINNING_MS) };
    this.#timeline.stop();
  }
}
