/**
 * One dispatcher: events that come one per POST or in batches, looked up in Redis, dispatched to
 * four frontends.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { place } from "../harness/cores.ts";
import { readMetrics } from "../harness/metrics.ts";
import { type PostTask, runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { holdStream } from "../harness/stream.ts";
import { count, ms } from "../report.ts";

const FRONTENDS = 4;
const TOPICS = Array.from({ length: 16 }, (_, index) => `video:dispatch-${index}`);
const CLIENTS = 128;
const BATCH = 100;

const benchmark: Benchmark = {
  name: "dispatcher",
  about:
    "one dispatcher, Redis, four frontends: events published one per POST, in " +
    "batches, and the response time at 5,000/s",
  async run(bench) {
    const cluster = await bench.cluster({ frontends: FRONTENDS });
    const frontends = cluster.of("frontend");
    // One viewer for each frontend makes it a subscriber of every topic.
    const streams = await Promise.all(frontends.map(({ url }) => holdStream(url, TOPICS)));
    const dispatchers = cluster.of("dispatcher").map(({ pid }) => pid);
    const placement = {
      alone: dispatchers,
      beside: [...cluster.pids(), process.pid].filter((pid) => !dispatchers.includes(pid)),
      // In production they have their own machines; here they get the CPU that the publishers
      // leave, and write larger batches.
      aside: frontends.map(({ pid }) => pid),
    };
    const where = place(placement)
      ? "the dispatcher on a core, everything else on the others"
      : "everything on the same cores";
    const seconds = bench.size(2, 8);
    const batched = { batch: BATCH, clients: 8 };
    // Until the code of both paths is compiled, which is not the cost of events: a dispatcher runs
    // for weeks.
    await measure(cluster, { seconds: bench.size(1, 4) });
    await measure(cluster, { seconds: bench.size(1, 3), ...batched });
    const single = await measure(cluster, { seconds });
    report(bench, `one event per POST, ${where}`, single, 30_000);
    const batches = await measure(cluster, { seconds, ...batched });
    report(bench, `${BATCH} events per POST, ${where}`, batches, 250_000);
    const paced = await measure(cluster, { seconds, rate: 5000 });
    bench.figure({
      what: `acknowledged, looked up and sent, at 5,000/s, ${where}`,
      value: `p50 ${ms(paced.p50Ms)}, p99 ${ms(paced.p99Ms)}`,
      target: "p99 < 10 ms",
      ok: paced.p99Ms < 10,
    });
    for (const stream of streams) stream.close();
  },
};

interface Measured {
  readonly published: number;
  readonly dispatched: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refused: number;
}

async function measure(
  cluster: BenchCluster,
  given: Partial<PostTask> & { readonly seconds: number },
): Promise<Measured> {
  const urls = cluster.of("dispatcher").map(({ url }) => url);
  const pids = cluster.of("dispatcher").map(({ pid }) => pid);
  const before = await readMetrics(urls);
  const cpu = cpuSeconds(pids);
  const result = await runPostClients({
    urls,
    path: "/v1/publish",
    token: cluster.token,
    clients: CLIENTS,
    form: "event",
    topics: TOPICS,
    ...given,
  });
  const used = cpuSeconds(pids) - cpu;
  const after = await readMetrics(urls);
  const grown = (name: string) => after(name) - before(name);
  const published = grown("ovation_dispatcher_published_events_total");
  return {
    published: published / result.seconds,
    dispatched: grown("ovation_dispatcher_dispatched_events_total") / result.seconds,
    cpuUs: (used * 1_000_000) / published,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    refused: result.refused,
  };
}

function report(bench: Bench, what: string, measured: Measured, atLeast: number): void {
  bench.figure({
    what,
    value:
      `${count(measured.published)} events/s, ${count(measured.dispatched)} ` +
      `dispatched/s, ${measured.cpuUs.toFixed(1)} µs of the dispatcher's CPU each, p99 ` +
      `${ms(measured.p99Ms)}, refused ${count(measured.refused)}`,
    target:
      `${count(atLeast)}/s; on a core of its own that is ` +
      `${(1_000_000 / atLeast).toFixed(1)} µs each`,
    ok:
      measured.refused === 0 &&
      (measured.published >= atLeast || measured.cpuUs <= 1_000_000 / atLeast),
  });
}

export default benchmark;
