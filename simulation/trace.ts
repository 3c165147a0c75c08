/** The last steps of a run in words, to debug a failed seed; and a hash over all of them. */

import { BEGINNING_MS, type Timeline } from "./clock.ts";

/** Lines that are kept; older ones are evicted. */
const LINES_MAX = 4000;

export class Trace {
  hash = 0x811c9dc5;
  readonly #timeline: Timeline;
  readonly #enabled: boolean;
  readonly #print: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];

  constructor(
    timeline: Timeline,
    options: { readonly enabled: boolean; readonly print?: ((line: string) => void) | undefined },
  ) {
    this.#timeline = timeline;
    this.#enabled = options.enabled;
    this.#print = options.print;
  }

  /** Formatted only when it is needed: `what` may cost something. */
  note(who: string, what: () => string): void {
    if (!this.#enabled) return;
    const ms = (this.#timeline.now - BEGINNING_MS).toFixed(1).padStart(9);
    const line = `${ms} ${who.padEnd(16)} ${what()}`;
    for (let index = 0; index < line.length; index++)
      this.hash = Math.imul(this.hash ^ line.charCodeAt(index), 0x01000193) >>> 0;
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX * 2) this.#lines.splice(0, LINES_MAX);
    this.#print?.(line);
  }

  last(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }
}
