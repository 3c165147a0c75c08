/** What a run reports: progress while it lasts, and what it found. */

import type { Verdict } from "./checkers/checker.ts";
import type { History } from "./history/history.ts";
import type { RecordedCounts } from "./history/recorder.ts";
import type { RestoreReport } from "./restore-run.ts";

/** `one`: `ovation start`; `cluster`: the roles in one data centre; `datacenters`: in two. */
export type Topology = "one" | "cluster" | "datacenters";

export interface Progress {
  readonly phase: string;
  readonly atMs: number;
  readonly counts: RecordedCounts;
  readonly connected: number;
  readonly viewers: number;
  /** What is broken at the moment. */
  readonly broken: readonly string[];
}

export interface RunReport {
  readonly topology: Topology;
  /** What ran: the seed chooses among several. */
  readonly shape: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly verdict: Verdict;
  /** Other failures: a process that did not recover, a fault that could not be healed. */
  readonly problems: readonly string[];
  readonly counts: RecordedCounts;
  readonly viewers: number;
  /** Reconnects of all viewers. */
  readonly returns: number;
  /** By kind, how often. */
  readonly faults: Readonly<Record<string, number>>;
  readonly missing: readonly string[];
  /** From the processes' metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** From the end of the last fault until all viewers had all events, ms. */
  readonly caughtUpMs: number;
  /** The result of the backup that was restored at the end. */
  readonly restored: RestoreReport | undefined;
  readonly ok: boolean;
}

export function countReturns({ viewers }: History): number {
  const connects = viewers.map(
    ({ entries }) => [...entries].filter(({ kind }) => kind === "connected").length,
  );
  return connects.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
}

export function countKinds({ faults }: History): Readonly<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (const { kind } of faults) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}
