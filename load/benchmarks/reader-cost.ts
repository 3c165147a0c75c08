/**
 * The cost of the load generator itself: its reader, with every check, against a loop in C that
 * only reads and compares, on the same broadcasts of the same server. Most of both is the kernel's,
 * which on loopback also acknowledges to the server.
 */
import type { Benchmark } from "../harness/benchmark.ts";
import { startCReader } from "../harness/c-reader.ts";

/** CPU for one read, µs. */
interface Cost {
  readonly totalUs: number;
  readonly kernelUs: number;
}

const benchmark: Benchmark = {
  name: "reader-cost",
  about: "CPU per read of the load generator's reader, against a bare C recv() loop",
  async run(bench) {
    // Ten comments in one write, as a busy topic sends them.
    const load = { rate: 20, batch: 1, size: 2100, duration: bench.size(3, 8), warmup: 1 };
    const connections = bench.size(1000, 5000);
    const server = await bench.floor();

    const ours = async (): Promise<Cost> => {
      const { report } = await bench.load(server, { ...load, connections });
      bench.figure({
        what: "faults",
        value: report.ok ? "none" : report.problems.join("; "),
        target: "none",
        ok: report.ok,
      });
      return {
        totalUs: report.measured.readerCpuUsPerRead,
        kernelUs: report.measured.readerKernelCpuUsPerRead,
      };
    };
    const bare = async (): Promise<Cost> => {
      const reader = await startCReader(Number(new URL(server.url).port), connections);
      // One connection of the generator beside it, so that events are published.
      await bench.load(server, { ...load, connections: 1 });
      const { reads, userUs, systemUs } = await reader.end();
      return {
        totalUs: (userUs + systemUs) / Math.max(1, reads),
        kernelUs: systemUs / Math.max(1, reads),
      };
    };
    // Alternating, the better of two each: neighbours can only increase CPU time.
    const readers = [await ours()];
    const floors = [await bare()];
    readers.push(await ours());
    floors.push(await bare());
    const ratio = best(readers).totalUs / best(floors).totalUs;

    bench.figure({ what: "C recv() loop", value: floors.map(format).join(" and ") });
    bench.figure({
      what: "the generator's reader",
      value: `${readers.map(format).join(" and ")}, ${ratio.toFixed(2)}×`,
      target: "≤ 1.25× of the C loop",
      ok: ratio <= 1.25,
    });
  },
};

function best(costs: readonly Cost[]): Cost {
  return costs.reduce((least, cost) => (cost.totalUs < least.totalUs ? cost : least));
}

function format({ totalUs, kernelUs }: Cost): string {
  return `${totalUs.toFixed(2)} µs (kernel ${kernelUs.toFixed(2)})`;
}

export default benchmark;
