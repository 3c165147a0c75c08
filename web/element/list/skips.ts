/** Counts what a page could not read and left out. The console hears of the first, the site of each. */

export class Skips {
  count = 0;
  readonly #element: string;
  readonly #onSkip: (count: number) => void;

  /** `onSkip` is called with the new count. */
  constructor(element: string, onSkip: (count: number) => void) {
    this.#element = element;
    this.#onSkip = onSkip;
  }

  /** Never says what was in it: it may be private. */
  add(what: string, error?: unknown): void {
    this.count++;
    if (this.count === 1)
      console.warn(
        `${this.#element}: a ${what} has a form that this page cannot read, and was left out. Further ones are only counted (items-skipped).`,
        ...(error === undefined ? [] : [error]),
      );
    this.#onSkip(this.count);
  }
}
