/** For log lines that can come thousands of times a second: one of a kind is said once a second, and those in between are counted. */

import type { Clock } from "@ovation/protocol";

export const EVERY_MS = 1000;
/** Kinds that are told apart; beyond, they are forgotten and said anew. */
export const KINDS_MAX = 1000;

/** How many of the kind were not said since the last one that was. */
export interface Unsaid {
  readonly andBefore?: number;
}

export function sparingly(clock: Clock): (kind: string, say: (unsaid: Unsaid) => void) => void {
  const kinds = new Map<string, { at: number; unsaid: number }>();
  return (kind, say) => {
    const now = clock.now();
    const known = kinds.get(kind);
    if (known !== undefined && now - known.at < EVERY_MS) {
      known.unsaid++;
      return;
    }
    if (kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(kind, { at: now, unsaid: 0 });
    say(known === undefined || known.unsaid === 0 ? {} : { andBefore: known.unsaid });
  };
}
