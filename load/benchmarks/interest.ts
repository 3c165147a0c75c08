/**
 * What a frontend does when the topics of *others* get busier: nothing, because dispatchers look up who has a subscriber.
 * Beside it the design in which every frontend gets every event: here, by subscribing every topic everywhere.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { openStream } from "../harness/stream.ts";

const PER_FRONTEND = 1000;

const benchmark: Benchmark = {
  name: "interest",
  about: "the work of one frontend when 1, 3 and 7 others' topics get busier; against every frontend getting every event",
  async run(bench) {
    const alone: number[] = [];
    for (const frontends of bench.quick ? [2] : [2, 4, 8]) {
      const own = await cpuOfFirst(bench, frontends, "own");
      const all = await cpuOfFirst(bench, frontends, "all");
      alone.push(own);
      bench.figure({
        what: `${frontends} frontends, ${PER_FRONTEND} events/s for each`,
        value: `${percent(own)} of a core`,
        against: `${percent(all)} where every frontend gets every event`,
      });
    }
    const [first = 0] = alone;
    const last = alone.at(-1) ?? 0;
    bench.figure({
      what: "growth from the fewest to the most frontends",
      value: `${(last / Math.max(first, 0.001)).toFixed(2)}×`,
      target: "does not grow: ≤ 1.3×",
      ok: last <= first * 1.3 + 0.01,
    });
  },
};

/** CPU of the first frontend, cores: its own topic has always the same traffic. */
async function cpuOfFirst(bench: Bench, frontends: number, mode: "own" | "all"): Promise<number> {
  const cluster = await bench.cluster({ frontends });
  const nodes = cluster.of("frontend");
  const topics = nodes.map((_, index) => `video:interest-${index}`);
  const streams = await Promise.all(
    nodes.map(({ url }, index) => openStream(url, mode === "all" ? topics : topics.slice(index, index + 1), () => undefined)),
  );
  const [first] = nodes;
  const urls = cluster.of("dispatcher").map(({ url }) => url);
  const seconds = bench.size(2, 4);
  const task = { urls, path: "/v1/publish", token: cluster.token, clients: 8, form: "event", topics, batch: 10 } as const;
  await runPostClients({ ...task, seconds: 1, rate: (PER_FRONTEND * frontends) / 10 });
  const before = cpuSeconds(first === undefined ? [] : [first.pid]);
  const result = await runPostClients({ ...task, seconds, rate: (PER_FRONTEND * frontends) / 10 });
  const cores = (cpuSeconds(first === undefined ? [] : [first.pid]) - before) / result.seconds;
  for (const stream of streams) stream.close();
  await cluster.stop();
  return cores;
}

function percent(cores: number): string {
  return `${(cores * 100).toFixed(1)} %`;
}

export default benchmark;
