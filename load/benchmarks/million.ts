/**
 * One million deliveries a second: 10,000 viewers of one topic, 100 events a second, server and
 * reader on the same machine.
 */
import type { Benchmark } from "../harness/benchmark.ts";
import { count, ms } from "../report.ts";

const benchmark: Benchmark = {
  name: "million",
  about: "10,000 viewers × 100 events/s on one topic: latency, nothing lost; and × 300",
  async run(bench) {
    const server = await bench.ovation();
    const connections = bench.size(1000, 10_000);
    const duration = bench.size(3, 15);
    const one = await bench.load(server, { connections, rate: 100, duration, warmup: 3 });
    const { latency, measured } = one.report;
    bench.figure({
      what: "100 events/s",
      value:
        `${count(measured.deliveriesPerSecond)} deliveries/s, p50 ${ms(latency.p50Ms)}, ` +
        `p90 ${ms(latency.p90Ms)}, p99 ${ms(latency.p99Ms)}`,
      target: "p90 ≤ 100 ms (moonshot 75 ms)",
      ok: latency.p90Ms <= 100,
    });
    bench.figure({
      what: "100 events/s, faults",
      value: faults(one.report),
      target: "none",
      ok: one.report.ok,
    });
    bench.figure({
      what: "CPU per delivery",
      value:
        `server ${one.cpuUsPerDelivery.toFixed(2)} µs, reader ` +
        `${measured.readerCpuUsPerDelivery.toFixed(2)} µs`,
    });

    const three = await bench.load(server, {
      connections,
      rate: 300,
      duration,
      warmup: 3,
      topicPrefix: "video:three-",
    });
    bench.figure({
      what: "300 events/s",
      value:
        `${count(three.report.measured.deliveriesPerSecond)} deliveries/s, p50 ` +
        `${ms(three.report.latency.p50Ms)}, p90 ${ms(three.report.latency.p90Ms)}, p99 ` +
        `${ms(three.report.latency.p99Ms)}`,
      target: "moonshot: p90 130 ms",
    });
    bench.figure({
      what: "300 events/s, faults",
      value: faults(three.report),
      target: "none",
      ok: three.report.ok,
    });
  },
};

function faults(report: { readonly ok: boolean; readonly problems: readonly string[] }): string {
  return report.ok ? "none" : report.problems.join("; ");
}

export default benchmark;
