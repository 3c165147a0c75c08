/**
 * Virtual time. Nothing waits: the next due callback runs at once, then every promise reaction,
 * before the next one. So a run is one synchronous call, and the same seed gives the same run.
 */

import { drainMicrotasks } from "bun:jsc";

interface Due {
  readonly at: number;
  readonly order: number;
  /** Undefined once cancelled. */
  run: (() => void) | undefined;
}

/** The moment at which every run begins: ms since 1970. */
export const BEGINNING_MS = 1_700_000_000_000;

export class Timeline {
  /** ms since 1970, with fractions: no node sees it (their clocks are whole ms, and skewed). */
  now = BEGINNING_MS;
  steps = 0;
  /** A hash over the times of all steps: two runs of one seed have the same. */
  hash = 0x811c9dc5;
  /** What a callback threw. The run ends then. */
  crash: unknown;

  #order = 0;
  #stopped = false;
  /** A binary heap by `at`, then by `order`. */
  readonly #heap: Due[] = [];

  /** Calls `run` after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { at: this.now + Math.max(0, ms), order: this.#order++, run };
    this.#push(due);
    return () => {
      due.run = undefined;
    };
  }

  /** Advances time, up to `until`. */
  runUntil(until: number): void {
    drainMicrotasks();
    while (!this.#stopped) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) break;
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      this.now = next.at;
      this.steps++;
      this.hash =
        Math.imul(this.hash ^ Math.floor((next.at - BEGINNING_MS) * 1000), 0x01000193) >>> 0;
      try {
        run();
      } catch (error) {
        this.crash ??= error;
        this.#stopped = true;
      }
      drainMicrotasks();
    }
    if (!this.#stopped) this.now = Math.max(this.now, until);
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#stopped = true;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(due);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Due;
      if (!before(due, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, heap[below] as Due)) below++;
      const child = heap[below] as Due;
      if (!before(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
  }
}

function before(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
