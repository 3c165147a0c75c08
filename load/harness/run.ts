/** Runs one benchmark: servers, loads, figures, and the stop of everything at the end. */

import { runLoad } from "../load.ts";
import { LoadError, type LoadOptions } from "../options.ts";
import { formatProgress } from "../progress.ts";
import { count } from "../report.ts";
import type { Bench, Benchmark, Figure, Measured } from "./benchmark.ts";
import { startCluster } from "./cluster.ts";
import { cpuSeconds, rssBytes, tcpMemoryBytes } from "./process-figures.ts";
import {
  type BenchServer,
  startFloor,
  startNchan,
  startOvation,
  startReference,
} from "./servers.ts";

export interface BenchResult {
  readonly name: string;
  readonly at: string;
  readonly quick: boolean;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
  readonly ok: boolean;
}

/**
 * After the connections are open: garbage of the handshakes is collected by then, and memory is
 * constant.
 */
const IDLE_SETTLE_MS = 2000;

export async function runBenchmark(
  benchmark: Benchmark,
  { quick, minutes, frontends, only }: Pick<Bench, "quick" | "minutes" | "frontends" | "only">,
  say: (line: string) => void,
): Promise<BenchResult> {
  const from = performance.now();
  const figures: Figure[] = [];
  const notes: string[] = [];
  const servers: { stop(): Promise<void> }[] = [];
  const started = async <Server extends { stop(): Promise<void> } | undefined>(
    starting: Promise<Server>,
  ): Promise<Server> => {
    const server = await starting;
    if (server !== undefined) servers.push(server);
    return server;
  };
  const bench: Bench = {
    quick,
    minutes,
    frontends,
    only,
    size: (small, full) => (quick ? small : full),
    figure(figure) {
      figures.push(figure);
      say(formatFigure(figure));
    },
    note(text) {
      notes.push(text);
      say(`    ${text}`);
    },
    progress: (text) => say(`    … ${((performance.now() - from) / 1000).toFixed(0)} s: ${text}`),
    ovation: (options) => started(startOvation(options)),
    floor: () => started(startFloor()),
    reference: () => started(startReference()),
    nchan: () => started(startNchan()),
    cluster: (options) => started(startCluster(options)),
    load: (server, options) => measure(server, options, say),
  };
  try {
    await benchmark.run(bench);
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    bench.figure({ what: "the run", value: error.message, ok: false });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return {
    name: benchmark.name,
    at: new Date().toISOString(),
    quick,
    figures,
    notes,
    ok: figures.every((figure) => figure.ok !== false),
  };
}

async function measure(
  server: BenchServer,
  options: Partial<LoadOptions>,
  say: (line: string) => void,
): Promise<Measured> {
  let cpuFrom = 0;
  let cpuTo = 0;
  const rss = { before: rssBytes(server.pids()), open: 0, measuring: 0, after: 0 };
  let tcpMemory = 0;
  const report = await runLoad(
    { url: server.url, target: server.target, token: server.token, ...options },
    {
      onProgress: (progress) =>
        process.stderr.isTTY && process.stderr.write(`\r\x1b[2K    ${formatProgress(progress)}`),
      async onPhase(phase) {
        if (phase === "connected") {
          await Bun.sleep(IDLE_SETTLE_MS);
          rss.open = rssBytes(server.pids());
        } else if (phase === "measuring") {
          rss.measuring = rssBytes(server.pids());
          cpuFrom = cpuSeconds(server.pids());
        } else if (phase === "settled") {
          cpuTo = cpuSeconds(server.pids());
          rss.after = rssBytes(server.pids());
          tcpMemory = tcpMemoryBytes();
        }
      },
    },
  );
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  const { measured, latency, connect } = report;
  const verdict = report.ok ? "nothing lost, twice or out of order" : report.problems.join("; ");
  const reader =
    latency.count === 0
      ? ""
      : `; reader ${measured.readerCpuUsPerDelivery.toFixed(2)} µs per delivery`;
  say(
    `    ${server.name}: ${count(connect.connections)} connections, ` +
      `${count(latency.count)} deliveries, ${verdict}${reader}`,
  );
  const cpu = cpuTo - cpuFrom;
  return {
    report,
    cpuSeconds: cpu,
    cpuUsPerDelivery: (cpu * 1_000_000) / Math.max(1, latency.count),
    cpuUsPerWrite: (cpu * 1_000_000) / Math.max(1, measured.readsSettled),
    rss,
    tcpMemoryBytes: tcpMemory,
  };
}

export function formatFigure(figure: Figure): string {
  const mark = figure.ok === undefined ? " " : figure.ok ? "✓" : "✗";
  const against = figure.against === undefined ? "" : `   against ${figure.against}`;
  const target = figure.target === undefined ? "" : `   target ${figure.target}`;
  return `  ${mark} ${figure.what}: ${figure.value}${against}${target}`;
}
