/**
 * The work of a frontend when *other* topics get busier: none, because dispatchers look up who
 * subscribes. Compared with the design in which every frontend gets every event: here, by
 * subscribing every topic everywhere.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { openStream } from "../harness/stream.ts";

/**
 * Each frontend's topic has one publisher with a constant rate and batch size; only the number of
 * other topics changes.
 */
const POSTS_PER_SECOND = 100;
const BATCH = 10;

const benchmark: Benchmark = {
  name: "interest",
  about:
    "the work of one frontend when 1, 3 and 7 others' topics get busier; against " +
    "every frontend getting every event",
  async run(bench) {
    const own: number[] = [];
    const all: number[] = [];
    for (const frontends of bench.quick ? [2, 3] : [2, 4, 8]) {
      own.push(await cpuOfFirst(bench, frontends, "own"));
      all.push(await cpuOfFirst(bench, frontends, "all"));
      bench.figure({
        what: `one of ${frontends} frontends, ${POSTS_PER_SECOND * BATCH} events/s for each`,
        value: `${percent(own.at(-1))} of a core`,
        against: `${percent(all.at(-1))} where every frontend gets every event`,
      });
    }
    bench.figure({
      what: "its growth from the fewest to the most frontends",
      value: `${growth(own).toFixed(2)}×`,
      against: `${growth(all).toFixed(2)}× where every frontend gets every event`,
      target: "does not grow: ≤ 1.3×",
      ok: growth(own) <= 1.3,
    });
  },
};

/** CPU of the first frontend, cores: its own topic always has the same traffic. */
async function cpuOfFirst(bench: Bench, frontends: number, mode: "own" | "all"): Promise<number> {
  const cluster = await bench.cluster({ frontends });
  const nodes = cluster.of("frontend");
  const topics = nodes.map((_, index) => `video:interest-${index}`);
  const streams = await Promise.all(
    nodes.map(({ url }, index) =>
      openStream(url, mode === "all" ? topics : topics.slice(index, index + 1), () => undefined),
    ),
  );
  const pids = nodes.slice(0, 1).map(({ pid }) => pid);
  const urls = cluster.of("dispatcher").map(({ url }) => url);
  const publishers = {
    clients: frontends,
    ownTopics: true,
    rate: POSTS_PER_SECOND * frontends,
  } as const;
  const task = {
    urls,
    path: "/v1/publish",
    token: cluster.token,
    form: "event",
    topics,
    batch: BATCH,
    ...publishers,
  } as const;
  // Until the code is compiled: that is not the cost of events.
  await runPostClients({ ...task, seconds: bench.size(1, 4) });
  const before = cpuSeconds(pids);
  const result = await runPostClients({ ...task, seconds: bench.size(2, 8) });
  const cores = (cpuSeconds(pids) - before) / result.seconds;
  for (const stream of streams) stream.close();
  await cluster.stop();
  if (result.refused > 0)
    throw new Error(`${result.refused} of the publishers' requests were refused`);
  return cores;
}

/** The last over the first, with a minimum: the kernel counts CPU in hundredths of a second. */
function growth(cores: readonly number[]): number {
  return (cores.at(-1) ?? 0) / Math.max(cores[0] ?? 0, 0.001);
}

function percent(cores = 0): string {
  return `${(cores * 100).toFixed(1)} %`;
}

export default benchmark;
