/** Adds up the results of a run's processes. */
import { Latency } from "./latency.ts";
import type { PublisherResult, ReaderResult } from "./messages.ts";
import type { LoadOptions } from "./options.ts";
import type { LedgerCounts } from "./reader/ledger.ts";
import type { LoadReport, SecondSample } from "./report.ts";

export interface Findings {
  readonly options: LoadOptions;
  readonly startedAt: string;
  readonly measuredSeconds: number;
  readonly results: readonly ReaderResult[];
  readonly published: PublisherResult;
  readonly latency: Latency;
  readonly seconds: readonly SecondSample[];
}

export function buildReport(findings: Findings): LoadReport {
  const { options, results, published, measuredSeconds } = findings;
  const total = (pick: (result: ReaderResult) => number) =>
    results.reduce((sum, result) => sum + pick(result), 0);
  const check = (name: keyof LedgerCounts) => total((result) => result.counts[name]);

  const connects = merged(results.map((result) => result.connects));
  const connectSeconds = connectSecondsOf(results);
  const deliveries = total((result) => result.deliveries);
  const reads = total((result) => result.reads);
  const bytes = total((result) => result.bytes);
  const cpuUs = total((result) => result.cpuUs);
  const { token: _token, connectToken: _connectToken, ...shown } = options;

  const checks: LoadReport["checks"] = {
    deliveries: check("deliveries"),
    lost: check("lost"),
    duplicates: check("duplicates"),
    disordered: check("disordered"),
    misdelivered: check("misdelivered"),
    announced: check("announced"),
    gaps: check("gaps"),
    repeated: check("repeated"),
    away: check("away"),
    others: check("others"),
  };
  const absentAtEnd = total((result) => result.absent);
  const problems = problemsOf(checks, published, absentAtEnd);
  const opened = options.connections;

  return {
    startedAt: findings.startedAt,
    options: shown,
    ok: problems.length === 0,
    problems,
    connect: {
      connections: opened,
      seconds: connectSeconds,
      perSecond: opened / connectSeconds,
      latency: connects.summary(),
      refusals: sumByKey(results.map((result) => result.refusals)),
      absentAtEnd,
    },
    publish: {
      published: published.published,
      requests: published.requests,
      failed: published.failed,
      firstFailure: published.firstFailure,
      answer: Latency.decode(published.answers).summary(),
      lateMs: published.lateMs,
    },
    measured: {
      seconds: measuredSeconds,
      deliveries,
      deliveriesPerSecond: deliveries / measuredSeconds,
      reads,
      readsSettled: total((result) => result.readsSettled),
      bytes,
      bytesPerDelivery: bytes / Math.max(1, deliveries),
      readerCpuSeconds: cpuUs / 1_000_000,
      readerCpuUsPerDelivery: cpuUs / Math.max(1, deliveries),
      readerCpuUsPerRead: cpuUs / Math.max(1, reads),
      readerKernelCpuUsPerRead: total((result) => result.kernelCpuUs) / Math.max(1, reads),
      reused: total((result) => result.reused) / Math.max(1, reads),
    },
    latency: findings.latency.summary(),
    percentiles: findings.latency.curve(),
    checks,
    reconnects: {
      count: total((result) => result.progress.reconnects),
      latency: merged(results.map((result) => result.returns)).summary(),
      recovered: merged(results.map((result) => result.recovered)).summary(),
      slowClosed: total((result) => result.slowClosed),
    },
    seconds: findings.seconds,
  };
}

/** From the first connect of all readers to the last one. */
function connectSecondsOf(results: readonly ReaderResult[]): number {
  const from = Math.min(...results.map((result) => result.connectFromUs));
  const to = Math.max(...results.map((result) => result.connectToUs));
  return Math.max(0.001, (to - from) / 1_000_000);
}

function problemsOf(
  checks: LoadReport["checks"],
  published: PublisherResult,
  absentAtEnd: number,
): string[] {
  const problems: string[] = [];
  if (checks.lost > 0) problems.push(`${checks.lost} lost`);
  if (checks.duplicates > 0) problems.push(`${checks.duplicates} twice`);
  if (checks.disordered > 0) problems.push(`${checks.disordered} out of order`);
  if (checks.misdelivered > 0)
    problems.push(`${checks.misdelivered} to connections that had not subscribed`);
  if (published.failed > 0)
    problems.push(`${published.failed} not accepted (${published.firstFailure ?? "no reason"})`);
  if (absentAtEnd > 0) problems.push(`${absentAtEnd} connections missing at the end`);
  return problems;
}

function merged(texts: readonly string[]): Latency {
  const all = new Latency();
  for (const text of texts) all.add(Latency.decode(text));
  return all;
}

export function sumByKey(
  records: readonly Readonly<Record<string, number>>[],
): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const record of records)
    for (const [key, value] of Object.entries(record)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}
