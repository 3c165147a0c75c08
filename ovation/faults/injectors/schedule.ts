/** Which fault comes when: drawn from the seed and nothing else, so that a run can be had again. */

import { Random } from "../../../testing/random.ts";

/** One way to break something. */
export interface FaultKind {
  readonly kind: string;
  /** What it can be done to; each by its name. */
  readonly targets: readonly string[];
  /** How long it stays broken, ms: from, up to. */
  readonly forMs: readonly [from: number, to: number];
  /** Drawn so much more often than others. Default 1. */
  readonly weight?: number;
}

export interface PlannedFault {
  readonly kind: string;
  readonly target: string;
  /** Since the run began. */
  readonly atMs: number;
  readonly forMs: number;
}

/** Faults begin this far apart on average, and not in the first and last moments. */
const APART_MS = 2500;
const QUIET_MS = 1500;

/**
 * Faults may overlap, but each thing is broken in one way at a time: a killed process cannot be
 * paused. Every kind comes up once before any comes up again, so that a short run has seen most
 * of them.
 */
export function planFaults(
  seed: number,
  kinds: readonly FaultKind[],
  durationMs: number,
): readonly PlannedFault[] {
  const random = new Random(seed);
  const plan: PlannedFault[] = [];
  let atMs = QUIET_MS;
  let deck: FaultKind[] = [];
  while (kinds.length > 0) {
    if (deck.length === 0)
      deck = kinds.flatMap((kind) => Array.from({ length: kind.weight ?? 1 }, () => kind));
    const kind = random.choose(deck);
    deck.splice(deck.indexOf(kind), 1);
    const target = random.choose(kind.targets);
    const forMs = Math.round(random.between(...kind.forMs));
    const freeAt = Math.max(
      atMs,
      ...plan
        .filter((other) => other.target === target)
        .map((other) => other.atMs + other.forMs + 500),
    );
    if (freeAt + forMs > durationMs - QUIET_MS) {
      if (atMs > durationMs - QUIET_MS) break;
    } else {
      plan.push({ kind: kind.kind, target, atMs: Math.round(freeAt), forMs });
    }
    atMs += random.between(0.4, 1.6) * APART_MS;
  }
  return plan.sort((left, right) => left.atMs - right.atMs);
}
