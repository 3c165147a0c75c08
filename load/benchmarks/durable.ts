/** How many comments a second are stored and acknowledged, posted one per request by 64 clients that wait for each answer. */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { type PostTask, runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { count, ms } from "../report.ts";

const CLIENTS = 64;
const WARM_UP_SECONDS = 1;

const benchmark: Benchmark = {
  name: "durable",
  about: "comments committed (fsync), one POST each, 64 clients: one process on SQLite; two comments processes on PostgreSQL",
  async run(bench) {
    const server = await bench.ovation();
    const token = server.token ?? "";
    await measure(bench, "SQLite, one process", { urls: [server.url], token }, () => server.pids(), 15_000, 50);
    await server.stop();
    const cluster = await bench.cluster({ comments: 2 });
    const urls = cluster.of("comments").map(({ url }) => url);
    await measure(
      bench,
      "PostgreSQL, 2 comments processes, one hot topic",
      { urls, token: cluster.token },
      () => cluster.pids(),
      8000,
      undefined,
    );
  },
};

async function measure(
  bench: Bench,
  what: string,
  given: Pick<PostTask, "urls" | "token">,
  pids: () => number[],
  atLeast: number,
  p99Ms: number | undefined,
): Promise<void> {
  const task: Omit<PostTask, "seconds"> = { ...given, path: "/v1/videos/bench/comments", clients: CLIENTS, form: "comment" };
  await runPostClients({ ...task, path: "/v1/videos/warm-up/comments", seconds: WARM_UP_SECONDS });
  const before = cpuSeconds(pids());
  const result = await runPostClients({ ...task, seconds: bench.size(2, 10) });
  const cpuUs = ((cpuSeconds(pids()) - before) * 1_000_000) / result.answers;
  bench.figure({
    what,
    value: `${count(result.perSecond)} comments/s, p50 ${ms(result.p50Ms)}, p99 ${ms(result.p99Ms)}; ${cpuUs.toFixed(0)} µs of CPU each`,
    target: `${count(atLeast)}/s${p99Ms === undefined ? "" : `, p99 < ${p99Ms} ms`}`,
    ok: result.perSecond >= atLeast && (p99Ms === undefined || result.p99Ms < p99Ms),
  });
  bench.figure({ what: `${what}, refused`, value: count(result.refused), target: "0", ok: result.refused === 0 });
}

export default benchmark;
