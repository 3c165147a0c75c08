/** A part of the benchmark `growth`: it measures one thing at one number of frontends. */

import type { RowName } from "../rows.ts";
import type { Stage } from "../stage.ts";

export interface Part {
  readonly name: string;
  /** Frontends hold back their reports, renewals and probes meanwhile. */
  readonly isQuiet: boolean;
  run(stage: Stage, record: (row: RowName, value: number) => void): Promise<void>;
}

/** The value below which this share of them lies; `NaN` of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function maxOverMean(values: readonly number[]): number {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return Math.max(...values) / mean;
}
