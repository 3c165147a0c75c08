/** A tenth of the viewers never reads: what that costs the others, and the server's memory. */
import type { Benchmark } from "../harness/benchmark.ts";
import { ms } from "../report.ts";

const EVENT_BYTES = 4000;

const benchmark: Benchmark = {
  name: "slow-consumers",
  about: "1,000 stuck among 10,000: the others' p99 against none stuck, and memory",
  async run(bench) {
    const all = bench.size(1000, 10_000);
    const stuck = all / 10;
    // Large events, so that the sockets of those who never read are full soon.
    const options = { rate: 10, size: EVENT_BYTES, duration: bench.size(4, 20), warmup: 3 };
    const without = await bench.ovation();
    const calm = await bench.load(without, { ...options, connections: all - stuck });
    await without.stop();
    const server = await bench.ovation();
    const loaded = await bench.load(server, { ...options, connections: all - stuck, slow: stuck });

    const ratio = loaded.report.latency.p99Ms / calm.report.latency.p99Ms;
    bench.figure({
      what: `p99 of the ${all - stuck} others`,
      value: `${ms(loaded.report.latency.p99Ms)}, ${ratio.toFixed(2)}×`,
      against: `${ms(calm.report.latency.p99Ms)} with none stuck`,
      target: "≤ 1.2×",
      ok: ratio <= 1.2,
    });
    const growth = (loaded.rss.after - loaded.rss.open - (calm.rss.after - calm.rss.open)) / stuck;
    bench.figure({
      what: "server memory that the load added",
      value: `${megabytes(loaded.rss.after - loaded.rss.open)}, ${(growth / 1024).toFixed(1)} KB more per stuck viewer`,
      against: `${megabytes(calm.rss.after - calm.rss.open)} with none stuck`,
      target: "flat: less than one event (4 KB) per stuck viewer",
      ok: growth <= EVENT_BYTES,
    });
    bench.figure({ what: "stuck viewers that the server closed", value: `${loaded.report.reconnects.slowClosed} of ${stuck}` });
    bench.figure({
      what: "faults for the others",
      value: loaded.report.ok ? "none" : loaded.report.problems.join("; "),
      target: "none",
      ok: loaded.report.ok,
    });
    bench.note(
      `kernel memory of all sockets, both ends: ${megabytes(loaded.tcpMemoryBytes)}, with none stuck ${megabytes(calm.tcpMemoryBytes)}`,
    );
  },
};

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

export default benchmark;
