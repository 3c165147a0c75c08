/**
 * Totals while the store is not whole. A store that lost its rows gets them back from the reports
 * of the frontends, one after the other. Until each has reported, or is dead, a total is no smaller
 * than before the loss; one that was not read in this process shortly before is unknown.
 */

import { Cache, type Clock, type Topic } from "@ovation/protocol";
import type { StoreLife } from "./redis/redis-identity.ts";
import type { ViewerTotal } from "./viewer-counts.ts";

/** Until every live frontend has reported to the new incarnation of the store. */
export const HELD_TOTALS_MS = 5000;
/** How old a total may be that stands in for one of a store that is not whole. */
export const HELD_TOTAL_AGE_MS = 30_000;
/** Totals that are remembered; beyond, the ones that were asked for least recently are evicted. */
export const HELD_TOTALS_MAX = 50_000;

export class HeldTotals {
  readonly #clock: Clock;
  readonly #withholds: boolean;
  readonly #known: Cache<ViewerTotal>;
  #identity: string | undefined;
  #heldUntil = Number.NEGATIVE_INFINITY;

  /** `withholds`: what is not known is `undefined`, and not what the store has of it by now. */
  constructor(clock: Clock, withholds: boolean) {
    this.#clock = clock;
    this.#withholds = withholds;
    this.#known = new Cache(clock, { ageMs: HELD_TOTAL_AGE_MS, entriesMax: HELD_TOTALS_MAX });
  }

  /** Totals that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * What to answer where the store says `totals`. `life` was read after them.
   */
  answer(
    { identity, ageMs }: StoreLife,
    topics: readonly Topic[],
    totals: readonly ViewerTotal[],
  ): readonly (ViewerTotal | undefined)[] {
    const now = this.#clock.now();
    if (identity !== this.#identity) {
      // Before the first one that this process sees nothing is known: it can only be withheld.
      const isFirst = this.#identity === undefined;
      this.#identity = identity;
      if (!isFirst) this.#heldUntil = now + HELD_TOTALS_MS;
      else if (this.#withholds) this.#heldUntil = now + HELD_TOTALS_MS - ageMs;
    }
    const isHeld = now < this.#heldUntil;
    return totals.map((total, index) => {
      const topic = topics[index] ?? "";
      if (isHeld) return this.#hold(topic, total);
      if (total.all > 0) this.#known.set(topic, total);
      else this.#known.delete(topic);
      return total;
    });
  }

  #hold(topic: string, total: ViewerTotal): ViewerTotal | undefined {
    const known = this.#known.get(topic);
    if (known === undefined && this.#withholds) return undefined;
    const larger = known === undefined ? total : largerOf(known, total);
    // Only growth is remembered: a total of before the loss keeps its age.
    if (larger.all > (known?.all ?? 0)) this.#known.set(topic, larger);
    return larger;
  }
}

function largerOf(known: ViewerTotal, total: ViewerTotal): ViewerTotal {
  return { local: Math.max(total.local, known.local), all: Math.max(total.all, known.all) };
}
