/** How fast connections are accepted: TCP, HTTP, the subscription, the first event. */
import type { Benchmark, Measured } from "../harness/benchmark.ts";
import type { BenchServer } from "../harness/servers.ts";
import { count, ms } from "../report.ts";

const benchmark: Benchmark = {
  name: "accept-rate",
  about: "connections accepted and subscribed per second, against bare Bun and nchan",
  async run(bench) {
    const connections = bench.size(2000, 15_000);
    const measure = async (server: BenchServer): Promise<Measured> => {
      const measured = await bench.load(server, {
        connections,
        processes: 2,
        rate: 0,
        duration: 1,
        warmup: 0,
      });
      await server.stop();
      return measured;
    };
    const show = ({ report }: Measured) =>
      `${count(report.connect.perSecond)}/s, p50 ${ms(report.connect.latency.p50Ms)}, ` +
      `p99 ${ms(report.connect.latency.p99Ms)}`;
    bench.figure({ what: "bare Bun", value: show(await measure(await bench.reference())) });
    const nchan = await bench.nchan();
    if (nchan !== undefined)
      bench.figure({ what: "nginx + nchan", value: show(await measure(nchan)) });
    const ours = await measure(await bench.ovation());
    bench.figure({
      what: "Ovation",
      value: show(ours),
      target: "all subscribed",
      ok: ours.report.connect.absentAtEnd === 0,
    });
  },
};

export default benchmark;
