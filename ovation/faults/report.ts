/** What a run found, for people. */

import type { Progress, RunReport } from "./run-report.ts";

/** Violations shown one by one; the rest are counted. */
const SHOWN_MAX = 20;

export function formatReport(report: RunReport): string {
  const { verdict, counts, faults, metrics } = report;
  const { durable, live, likes } = verdict;
  const violations = [...verdict.violations, ...(report.restored?.violations ?? [])];
  const lines = [
    `topology ${report.topology} (${report.shape}), seed ${report.seed}, ` +
      `${Math.round(report.durationMs / 1000)} s of faults`,
    "",
    row("published durable, acknowledged", durable.acknowledged),
    row("stored", durable.stored),
    row("published live, acknowledged", live.published),
    row("refused", counts.refused),
    row("without a response", counts.unknown),
    row("viewers", report.viewers),
    row("returns", report.returns),
    row("durable deliveries", durable.delivered),
    row("repeated at plain viewers that moved", durable.repeated),
    row("live deliveries", live.delivered),
    row("live, viewer not connected", live.away),
    row("live, lost around a fault", live.lostInFaults),
    row("live, announced as lost", live.announced),
    row("live, overtaken around a fault", live.disorderedInFaults),
    row("likes accepted", likes.accepted),
    row("likes without a response", likes.unknown),
    row("likes in the totals at the end", likes.stored),
    row("likes lost by kills, or reported at a stop", likes.lostInFaults),
    row("caught up after the last fault, ms", report.caughtUpMs),
    "",
    "faults injected",
    ...sorted(faults),
    ...report.missing.map((what) => `  not on this machine: ${what}`),
    "",
    "from /metrics",
    ...sorted(metrics),
    "",
    ...formatRestored(report.restored),
    ...violations
      .slice(0, SHOWN_MAX)
      .map(({ kind, who, topic, detail }) => `VIOLATION ${kind}: ${who}, ${topic}: ${detail}`),
    ...(violations.length > SHOWN_MAX ? [`… and ${violations.length - SHOWN_MAX} more`] : []),
    ...report.problems.map((problem) => `PROBLEM ${problem}`),
    `violations ${violations.length}${report.ok ? "" : repeatHint(report)}`,
  ];
  return lines.join("\n");
}

function repeatHint({ topology, seed }: RunReport): string {
  return `   to repeat: npm run faults -- --topology ${topology} --seed ${seed}`;
}

function formatRestored(restored: RunReport["restored"]): readonly string[] {
  if (restored === undefined) return [];
  return [
    `a backup was restored: ${restored.way}`,
    row("topics of viewers with a lost future", restored.lostFutures),
    row("reset without need", restored.toldWithoutNeed),
    "",
  ];
}

/** `durationMs`: how long faults are injected. */
export function formatProgress(
  { phase, atMs, counts, connected, viewers, broken }: Progress,
  durationMs: number,
): string {
  const what = broken.length === 0 ? "" : `   ✗ ${broken.join(", ")}`;
  const [at, end] = [atMs, durationMs].map((ms) => String(Math.round(ms / 1000)));
  return (
    `${at?.padStart(5)}/${end} s  ${phase.padEnd(11)} ${counts.acknowledged} acknowledged, ` +
    `${counts.deliveries} deliveries, ${connected}/${viewers} connected${what}`
  );
}

function row(what: string, value: number): string {
  return `  ${what.padEnd(42)}${String(value).padStart(10)}`;
}

function sorted(counts: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(counts)
    .sort(([left], [right]) => left.localeCompare(right))
    .map(([what, count]) => row(what, count));
}
