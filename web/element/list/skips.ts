/**
 * Counts items that a page could not read and skipped. Logs the first, reports each to the site.
 */

export class Skips {
  count = 0;
  readonly #element: string;
  readonly #onSkip: (count: number) => void;

  /** `onSkip` is called with the new count. */
  constructor(element: string, onSkip: (count: number) => void) {
    this.#element = element;
    this.#onSkip = onSkip;
  }

  /** Never logs the content: it may be private. */
  add(what: string, error?: unknown): void {
    this.count++;
    if (this.count === 1)
      console.warn(
        `${this.#element}: skipped a ${what} with a form that this page cannot read. ` +
          "Further ones are only counted (items-skipped).",
        ...(error === undefined ? [] : [error]),
      );
    this.#onSkip(this.count);
  }
}
