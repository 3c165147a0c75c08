/** A tenth of the viewers never reads: the cost for the others, and for the server's memory. */
import type { Benchmark, Measured } from "../harness/benchmark.ts";
import { ms } from "../report.ts";

const EVENT_BYTES = 2000;

const benchmark: Benchmark = {
  name: "slow-consumers",
  about: "1,000 stuck among 10,000: the others' p99 against none stuck, and memory",
  async run(bench) {
    const all = bench.size(1000, 10_000);
    const stuck = all / 10;
    // Large events, so that the sockets of never-readers are full when the warm-up ends.
    const options = {
      connections: all - stuck,
      rate: 20,
      size: EVENT_BYTES,
      duration: bench.size(4, 15),
      warmup: bench.size(6, 8),
    };
    const measure = async (slow: number): Promise<Measured> => {
      const server = await bench.ovation();
      const measured = await bench.load(server, { ...options, slow });
      await server.stop();
      return measured;
    };
    const before = await measure(0);
    const loaded = await measure(stuck);
    const after = await measure(0);
    // Without slow consumers twice, before and after: the difference of these two is the machine's
    // noise.
    const calm = before.report.latency.p99Ms > after.report.latency.p99Ms ? before : after;

    const ratio = loaded.report.latency.p99Ms / calm.report.latency.p99Ms;
    bench.figure({
      what: `p99 of the ${all - stuck} others`,
      value: `${ms(loaded.report.latency.p99Ms)}, ${ratio.toFixed(2)}×`,
      against:
        `${ms(before.report.latency.p99Ms)} and ${ms(after.report.latency.p99Ms)} with ` +
        "none stuck",
      target: "≤ 1.2×",
      ok: ratio <= 1.2,
    });
    const growth =
      (loaded.rss.after - loaded.rss.measuring - (calm.rss.after - calm.rss.measuring)) / stuck;
    const filled =
      (loaded.rss.measuring - loaded.rss.open - (calm.rss.measuring - calm.rss.open)) / stuck;
    bench.figure({
      what: "server memory while they are stuck",
      value:
        `grows by ${kilobytes(growth)} per stuck viewer, after ${kilobytes(filled)} ` +
        "once, when their sockets filled",
      target: "flat: no more than one event (2 KB)",
      ok: growth <= EVENT_BYTES,
    });
    bench.figure({
      what: "stuck viewers that the server closed",
      value: `${loaded.report.reconnects.slowClosed} of ${stuck}`,
    });
    bench.figure({
      what: "faults for the others",
      value: loaded.report.ok ? "none" : loaded.report.problems.join("; "),
      target: "none",
      ok: loaded.report.ok,
    });
    bench.note(
      `kernel memory of all sockets, both ends: ${megabytes(loaded.tcpMemoryBytes)}, ` +
        `with none stuck ${megabytes(calm.tcpMemoryBytes)}`,
    );
  },
};

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

export default benchmark;
