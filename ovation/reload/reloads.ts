/**
 * What a running process takes over when it reads its files again (SIGHUP). Each part that can takes
 * part by a `Prepare`. All prepare first; only where all can do it, all change: a mistake in one file
 * leaves every setting as it was.
 */

import type { Settings } from "../settings/settings.ts";

/** The settings as the files say them now. A worker is sent them by its core. */
export type Renewed = Pick<
  Settings,
  "secret" | "policy" | "corsOrigins" | "trustedProxies" | "hosts" | "tokens" | "tls"
> & {
  readonly comments?: Pick<NonNullable<Settings["comments"]>, "rateRules" | "recordLives">;
};

/** What changes, in words for the log, and the change itself, which cannot fail. */
export interface Change {
  readonly what: readonly string[];
  apply(): void;
}

/** Rejects where the settings cannot be used; `undefined` where nothing is different. */
export type Prepare = (next: Renewed) => Promise<Change | undefined> | Change | undefined;

export class Reloads {
  readonly #prepares: Prepare[] = [];

  add(prepare: Prepare): void {
    this.#prepares.push(prepare);
  }

  /** Answers what has changed. Rejects where a part cannot: then nothing has. */
  async renew(next: Renewed): Promise<readonly string[]> {
    const changes: Change[] = [];
    for (const prepare of this.#prepares) {
      const change = await prepare(next);
      if (change !== undefined) changes.push(change);
    }
    for (const change of changes) change.apply();
    return [...new Set(changes.flatMap(({ what }) => what))];
  }
}

/** By what they say, not by which object says it. */
export function isSame(one: unknown, other: unknown): boolean {
  return Bun.deepEquals(one, other);
}
