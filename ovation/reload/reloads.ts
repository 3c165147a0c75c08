/**
 * What a running process changes when it reads its files again (SIGHUP). All parts prepare first;
 * only where all can, all change: a mistake in one file leaves every setting as it was.
 */

/** What changes, in words for the log, and the change itself, which cannot fail. */
export interface Change {
  readonly what: readonly string[];
  apply(): void;
}

/** Rejects where the settings cannot be used; `undefined` where nothing is different. */
export type Prepare<Next> = (next: Next) => Promise<Change | undefined> | Change | undefined;

export class Reloads<Next> {
  readonly #prepares: Prepare<Next>[] = [];

  add(prepare: Prepare<Next>): void {
    this.#prepares.push(prepare);
  }

  /** Resolves with what has changed. Rejects where a part cannot change: then nothing has. */
  async renew(next: Next): Promise<readonly string[]> {
    const changes: Change[] = [];
    for (const prepare of this.#prepares) {
      const change = await prepare(next);
      if (change !== undefined) changes.push(change);
    }
    for (const change of changes) change.apply();
    return [...new Set(changes.flatMap(({ what }) => what))];
  }
}

/** By value, not by identity. */
export function isSame(one: unknown, other: unknown): boolean {
  return Bun.deepEquals(one, other);
}
