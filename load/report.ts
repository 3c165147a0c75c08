/** The result of a run, and its table. */
import type { LatencySummary, PercentilePoint } from "./latency.ts";
import type { LoadOptions } from "./options.ts";

/** One second of the run. */
export interface SecondSample {
  /** Seconds since publishing began. */
  readonly second: number;
  readonly deliveries: number;
  readonly published: number;
  readonly connected: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoadReport {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly options: Omit<LoadOptions, "token" | "connectToken">;
  /**
   * No loss, no duplicate, no disorder, nothing misdelivered, every event accepted, every
   * connection open at the end.
   */
  readonly ok: boolean;
  readonly problems: readonly string[];

  readonly connect: {
    readonly connections: number;
    readonly seconds: number;
    readonly perSecond: number;
    /** Begun → subscribed. */
    readonly latency: LatencySummary;
    /**
     * Failed attempts, by HTTP status or system code; 200: told to return later, `timeout`,
     * `unreadable`.
     */
    readonly refusals: Readonly<Record<string, number>>;
    readonly absentAtEnd: number;
  };
  readonly publish: {
    readonly published: number;
    readonly requests: number;
    readonly failed: number;
    readonly firstFailure: string | undefined;
    readonly answer: LatencySummary;
    readonly lateMs: number;
  };
  /** The measured part, after the warm-up. */
  readonly measured: {
    readonly seconds: number;
    readonly deliveries: number;
    readonly deliveriesPerSecond: number;
    readonly reads: number;
    /** Until the last event had arrived, after the publishers stopped. */
    readonly readsSettled: number;
    readonly bytes: number;
    readonly bytesPerDelivery: number;
    readonly readerCpuSeconds: number;
    readonly readerCpuUsPerDelivery: number;
    readonly readerCpuUsPerRead: number;
    /** … of it the kernel's: reading, and on loopback acknowledging to the server. */
    readonly readerKernelCpuUsPerRead: number;
    /** Share of the reads whose bytes had been parsed for another connection already. */
    readonly reused: number;
  };
  /**
   * Due → received, from the HDR histogram. Events that came by recovery after a return are in
   * `reconnects.recovered` instead.
   */
  readonly latency: LatencySummary;
  readonly percentiles: readonly PercentilePoint[];
  readonly checks: {
    /** Over the whole run. */
    readonly deliveries: number;
    readonly lost: number;
    readonly duplicates: number;
    readonly disordered: number;
    readonly misdelivered: number;
    /** Live events that the server reported as dropped. */
    readonly announced: number;
    readonly gaps: number;
    readonly repeated: number;
    readonly away: number;
    readonly others: number;
  };
  readonly reconnects: {
    readonly count: number;
    /** Lost → subscribed again. */
    readonly latency: LatencySummary;
    /** Due → received, of events published during a cut of their connection. */
    readonly recovered: LatencySummary;
    /** Never-readers that the server closed. */
    readonly slowClosed: number;
  };
  readonly seconds: readonly SecondSample[];
}

export function formatReport(report: LoadReport): string {
  const { options, connect, publish, measured, latency, checks, reconnects } = report;
  const rows: [string, string][] = [
    ["target", `${options.target} ${options.url}`],
    [
      "connections",
      `${count(connect.connections)} opened in ${fixed(connect.seconds, 2)} s ` +
        `(${count(connect.perSecond)}/s), p99 ${ms(connect.latency.p99Ms)}`,
    ],
    [
      "published",
      `${count(publish.published)} events in ${count(publish.requests)} requests, ` +
        `answered p50 ${ms(publish.answer.p50Ms)}, p99 ${ms(publish.answer.p99Ms)}`,
    ],
    [
      "deliveries",
      `${count(measured.deliveries)} in ${fixed(measured.seconds, 1)} s ` +
        `(${count(measured.deliveriesPerSecond)}/s), ` +
        `${fixed(measured.bytesPerDelivery, 0)} bytes each`,
    ],
    [
      "latency",
      `p50 ${ms(latency.p50Ms)}  p90 ${ms(latency.p90Ms)}  p99 ${ms(latency.p99Ms)}  ` +
        `p99.9 ${ms(latency.p999Ms)}  max ${ms(latency.maxMs)}`,
    ],
    ["lost", count(checks.lost)],
    ["duplicates", count(checks.duplicates)],
    ["out of order", count(checks.disordered)],
    ["misdelivered", count(checks.misdelivered)],
    [
      "gap events",
      `${count(checks.gaps)}, which announced ${count(checks.announced)} of the missing events`,
    ],
    [
      "returns",
      count(reconnects.count) +
        (reconnects.count > 0
          ? `, p50 ${ms(reconnects.latency.p50Ms)}, p99 ${ms(reconnects.latency.p99Ms)}, ` +
            `max ${ms(reconnects.latency.maxMs)}`
          : ""),
    ],
    [
      "reader",
      `${fixed(measured.readerCpuUsPerDelivery, 2)} µs CPU per delivery ` +
        `(${fixed(measured.readerCpuUsPerRead, 2)} µs per read, kernel ` +
        `${fixed(measured.readerKernelCpuUsPerRead, 2)}; ` +
        `${fixed(measured.reused * 100, 1)} % of reads parsed before)`,
    ],
  ];
  const refusals = formatRefusals(connect.refusals);
  if (refusals !== "") rows.splice(2, 0, ["refused", refusals]);
  if (options.slow > 0)
    rows.push([
      "never-readers",
      `${count(options.slow)}, of which the server closed ${count(reconnects.slowClosed)}`,
    ]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  lines.push(
    report.ok
      ? "  ok: nothing lost, nothing twice, all in order"
      : `  NOT OK: ${report.problems.join("; ")}`,
  );
  return lines.join("\n");
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  EADDRNOTAVAIL: "no local port or address left",
  ETIMEDOUT: "no answer to the connect",
  ECONNRESET: "reset before it was connected",
  ENETUNREACH: "no way there",
  EHOSTUNREACH: "no way there",
};

/** `503: 12, ECONNREFUSED (nothing listens there): 40`. */
export function formatRefusals(refusals: Readonly<Record<string, number>>): string {
  const named = (status: string) =>
    FAILURES[status] === undefined ? status : `${status} (${FAILURES[status]})`;
  return Object.entries(refusals)
    .map(([status, times]) => `${named(status)}: ${count(times)}`)
    .join(", ");
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}
