/** The balance: every published event is accounted for at every hop, from the metrics alone. */
import type { Benchmark } from "../harness/benchmark.ts";
import { readMetrics } from "../harness/metrics.ts";
import { count } from "../report.ts";

const benchmark: Benchmark = {
  name: "delivered",
  about:
    "published, dispatched, written, dropped, repaired: the balance of each hop on " +
    "one process, live and durable",
  async run(bench) {
    const server = await bench.ovation();
    const connections = bench.size(200, 2000);
    for (const durable of [false, true]) {
      const lane = durable ? "durable" : "live";
      const before = await readMetrics([server.url]);
      const { report } = await bench.load(server, {
        connections,
        topics: 4,
        rate: 100,
        duration: bench.size(3, 10),
        warmup: 1,
        durable,
        topicPrefix: `video:${lane}-`,
      });
      const after = await readMetrics([server.url]);
      const grown = (name: string) => after(name) - before(name);
      const published = report.publish.published;
      const dispatched = grown("ovation_dispatcher_dispatched_events_total");
      const arrived = grown("ovation_frontend_dispatched_events_total");
      const repaired = grown("ovation_frontend_repaired_events_total");
      const lost = grown("ovation_frontend_lost_events_total");
      bench.note(
        `${lane}: published ${count(published)}, dispatched ${count(dispatched)}, ` +
          `arrived ${count(arrived)}, repaired ${count(repaired)}, told as lost ` +
          `${count(lost)}, received by viewers ${count(report.checks.deliveries)}`,
      );
      // One frontend: each event is dispatched once; each topic has a quarter of the connections.
      const missing = published - dispatched;
      bench.figure({
        what: `${lane}: published, not dispatched`,
        value: count(missing),
        target: "0",
        ok: missing === 0,
      });
      bench.figure({
        what: `${lane}: dispatched, not arrived`,
        value: count(dispatched - arrived),
        target: "0",
        ok: dispatched === arrived,
      });
      const owed = (published * connections) / 4;
      const unaccounted = owed - report.checks.deliveries - report.checks.announced;
      bench.figure({
        what: `${lane}: owed to viewers, neither received nor told as lost`,
        value: count(unaccounted),
        target: "0",
        ok: unaccounted === 0 && report.ok,
      });
    }
  },
};

export default benchmark;
