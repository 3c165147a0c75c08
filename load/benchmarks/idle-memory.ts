/** What an idle connection with one topic costs the server's memory (RSS), and what nchan needs. */
import type { Benchmark, Measured } from "../harness/benchmark.ts";
import type { BenchServer } from "../harness/servers.ts";

const WARM_CONNECTIONS = 500;

const benchmark: Benchmark = {
  name: "idle-memory",
  about: "resident memory per idle connection with one topic, against nchan",
  async run(bench) {
    const connections = bench.size(2000, 16_000);
    const perConnection = async (server: BenchServer): Promise<number> => {
      // A few connections first, so that code and pools of constant size exist.
      await bench.load(server, { connections: WARM_CONNECTIONS, rate: 1, duration: 1, warmup: 0 });
      const measured: Measured = await bench.load(server, {
        connections,
        rate: 0,
        duration: bench.size(1, 5),
        warmup: 0,
      });
      await server.stop();
      return (Math.max(measured.rss.open, measured.rss.after) - measured.rss.before) / connections;
    };
    const bare = await perConnection(await bench.reference());
    const ours = await perConnection(await bench.ovation());
    const nchan = await bench.nchan();
    bench.figure({ what: "bare Bun direct streams", value: kilobytes(bare) });
    if (nchan !== undefined)
      bench.figure({ what: "nginx + nchan", value: kilobytes(await perConnection(nchan)) });
    bench.figure({
      what: `Ovation, ${connections} connections`,
      value: kilobytes(ours),
      target: "≤ 6 KB (moonshot 3 KB)",
      ok: ours <= 6 * 1024,
    });
  },
};

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(2)} KB per connection`;
}

export default benchmark;
