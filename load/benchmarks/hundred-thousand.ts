/**
 * As many connections as this machine's 20,000 descriptors per process allow with several workers,
 * and a broadcast to all of them.
 */
import type { Benchmark } from "../harness/benchmark.ts";
import { count, ms } from "../report.ts";

const CONNECTIONS_PER_WORKER = 16_700;
const BROADCAST_MS_MAX = 2000;

const benchmark: Benchmark = {
  name: "hundred-thousand",
  about: "100,000 connections at once on several workers, one broadcast to all of them",
  async run(bench) {
    const connections = bench.size(6000, 100_000);
    const workers = Math.max(2, Math.ceil(connections / CONNECTIONS_PER_WORKER));
    const server = await bench.ovation({ workers });
    const { report, rss } = await bench.load(server, {
      connections,
      processes: workers,
      rate: 0.25,
      duration: bench.size(8, 20),
      warmup: 0,
      settle: 10,
    });
    bench.figure({
      what: "connections at once",
      value: count(report.connect.connections - report.connect.absentAtEnd),
      target: count(connections),
      ok: report.connect.absentAtEnd === 0,
    });
    bench.figure({
      what: "opened in",
      value: `${report.connect.seconds.toFixed(1)} s, ${count(report.connect.perSecond)}/s`,
    });
    bench.figure({
      what: `${report.publish.published} broadcasts to all: the last viewer had it after`,
      value: `${ms(report.latency.maxMs)} (p50 ${ms(report.latency.p50Ms)})`,
      target: "< 2 s",
      ok: report.latency.maxMs < BROADCAST_MS_MAX,
    });
    bench.figure({
      what: "faults",
      value: report.ok ? "none" : report.problems.join("; "),
      target: "none",
      ok: report.ok,
    });
    bench.figure({
      what: `memory of ${workers} workers and their parent`,
      value:
        `${(rss.after / 1e6).toFixed(0)} MB, ` +
        `${((rss.after - rss.before) / 1024 / connections).toFixed(2)} KB per ` +
        "connection",
    });
  },
};

export default benchmark;
