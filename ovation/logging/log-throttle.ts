/** Throttles repeated log lines: one of a kind per second, with the number suppressed before it. */

import type { Clock } from "@ovation/protocol";

export const EVERY_MS = 1000;
/** Kinds that are tracked; at the limit all are forgotten, and each is logged again. */
export const KINDS_MAX = 1000;

export interface Suppressed {
  /** Lines of this kind that were suppressed since the last one. */
  readonly andBefore?: number;
}

export function createLogThrottle(
  clock: Clock,
): (kind: string, log: (suppressed: Suppressed) => void) => void {
  const kinds = new Map<string, { at: number; suppressed: number }>();
  return (kind, log) => {
    const now = clock.now();
    const known = kinds.get(kind);
    if (known !== undefined && now - known.at < EVERY_MS) {
      known.suppressed++;
      return;
    }
    if (kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(kind, { at: now, suppressed: 0 });
    log(known === undefined || known.suppressed === 0 ? {} : { andBefore: known.suppressed });
  };
}
