/**
 * Events of topics without a subscriber in the other data centre: forwarded, and filtered. And the
 * added latency for the first subscriber there.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { readMetrics } from "../harness/metrics.ts";
import { runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { openStream } from "../harness/stream.ts";

const ONE_WAY_MS = 40;
const PER_SECOND = 2000;
const BATCH = 10;
const TOPICS = Array.from({ length: 20 }, (_, index) => `video:regional-${index}`);
/** Until both sides know each other's interest. */
const SETTLE_SECONDS = 4;
const SHARE_MAX = 0.05;
/** Two interest queries and the round trip: see `dispatcher/peers/interest.ts`. */
const LATE_MS_MAX = 600;

const benchmark: Benchmark = {
  name: "peer-interest",
  about:
    `${PER_SECOND} events/s in A of ${TOPICS.length} topics without a subscriber in B: ` +
    "forwarded, CPU of both dispatchers; with and without the filter",
  async run(bench) {
    const all = await measure(bench, "all");
    const wanted = await measure(bench, "wanted");
    bench.figure({
      what: "events forwarded, of those published",
      value: percent(wanted.share),
      against: `${percent(all.share)} with --forward all`,
      target: `≤ ${percent(SHARE_MAX)}`,
      ok: wanted.share <= SHARE_MAX,
    });
    for (const side of ["from", "to"] as const) {
      bench.figure({
        what: `CPU of the dispatcher ${side === "from" ? "in A" : "in B"}`,
        value: `${percent(wanted.cores[side])} of a core`,
        against: `${percent(all.cores[side])} with --forward all`,
      });
    }
    bench.figure({
      what: "the first subscriber in B: the largest delay of an event, beyond the network's",
      value: `${Math.round(wanted.lateMs)} ms`,
      against: `${Math.round(all.lateMs)} ms with --forward all`,
      target: `≤ ${LATE_MS_MAX} ms`,
      ok: wanted.lateMs <= LATE_MS_MAX,
    });
  },
};

async function measure(bench: Bench, forward: "all" | "wanted") {
  const cluster = await bench.cluster({ datacenters: 2, delayMs: ONE_WAY_MS, forward });
  const [from] = cluster.of("dispatcher", "east");
  const [to] = cluster.of("dispatcher", "west");
  if (from === undefined || to === undefined) throw new Error("the cluster lacks a dispatcher");
  // They have subscribers in A, and none in B.
  const [here] = cluster.of("frontend", "east");
  const stream = await openStream(here?.url ?? "", TOPICS, () => undefined);
  const task = {
    urls: [from.url],
    path: "/v1/publish",
    token: cluster.token,
    clients: 8,
    form: "event",
    topics: TOPICS,
    batch: BATCH,
  } as const;
  await runPostClients({ ...task, seconds: SETTLE_SECONDS, rate: PER_SECOND / BATCH });
  const before = await forwarded(from.url);
  const cpuBefore = { from: cpuSeconds([from.pid]), to: cpuSeconds([to.pid]) };
  const result = await runPostClients({
    ...task,
    seconds: bench.size(2, 8),
    rate: PER_SECOND / BATCH,
  });
  const cores = {
    from: (cpuSeconds([from.pid]) - cpuBefore.from) / result.seconds,
    to: (cpuSeconds([to.pid]) - cpuBefore.to) / result.seconds,
  };
  const share = ((await forwarded(from.url)) - before) / (result.answers * BATCH);
  const lateMs = await firstSubscriber(cluster, () =>
    runPostClients({ ...task, seconds: 3, rate: PER_SECOND / BATCH }),
  );
  stream.close();
  await cluster.stop();
  return { share, cores, lateMs };
}

async function forwarded(url: string): Promise<number> {
  return (await readMetrics([url]))("ovation_forward_sent_events_total");
}

/** The largest delay for a viewer that subscribes in B during the run. */
async function firstSubscriber(
  cluster: BenchCluster,
  publish: () => Promise<unknown>,
): Promise<number> {
  const [there] = cluster.of("frontend", "west");
  const publishing = publish();
  await Bun.sleep(1000);
  let latestMs = 0;
  const stream = await openStream(there?.url ?? "", TOPICS.slice(0, 1), ({ data }) => {
    const { at } = JSON.parse(data) as { readonly at?: number };
    if (at !== undefined) latestMs = Math.max(latestMs, Date.now() - at - ONE_WAY_MS);
  });
  await publishing;
  stream.close();
  return latestMs;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export default benchmark;
