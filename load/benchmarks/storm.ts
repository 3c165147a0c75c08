/**
 * Every connection is cut at once and returns at a random moment of the announced spread, with its
 * position.
 *
 * Once with all of them on one video, once on fifty videos, the same number of deliveries a second.
 * Writing one event to 50,000 viewers and reading it takes two cores a third of a second, storm or
 * not (with C loops at both ends a quarter): so the latency after the storm is reported beside the
 * one during it.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { count, ms } from "../report.ts";

const CONNECTIONS_PER_WORKER = 16_700;
const SPREAD_SECONDS = 20;
const WARMUP_SECONDS = 1;
const CUT_AT_SECONDS = 2;
/** After its random moment a connection still has to be accepted and answered. */
const GRACE_MS = 1000;
const P99_MS_MAX = 250;

const benchmark: Benchmark = {
  name: "storm",
  about:
    "50,000 connections cut at once and returning with jitter: durable events, latency meanwhile",
  async run(bench) {
    for (const videos of [1, 50]) await storm(bench, videos);
  },
};

async function storm(bench: Bench, videos: number): Promise<void> {
  const connections = bench.size(3000, 50_000);
  const spread = bench.size(4, SPREAD_SECONDS);
  const workers = Math.max(1, Math.ceil(connections / CONNECTIONS_PER_WORKER));
  const where = videos === 1 ? "one video" : `${videos} videos`;
  const server = await bench.ovation({ workers });
  const { report } = await bench.load(server, {
    connections,
    processes: workers,
    durable: true,
    topics: videos,
    rate: videos,
    duration: spread + bench.size(4, 10),
    warmup: WARMUP_SECONDS,
    cutAt: CUT_AT_SECONDS,
    cutSpread: spread,
    settle: 10,
  });
  await server.stop();
  const { reconnects, latency, checks } = report;
  const backAtSeconds = WARMUP_SECONDS + CUT_AT_SECONDS + reconnects.latency.maxMs / 1000;
  const calm = report.seconds
    .filter((second) => second.second > backAtSeconds && second.deliveries > 0)
    .map((second) => second.p99Ms);
  bench.figure({
    what: `${where}: returned`,
    value:
      `${count(reconnects.count)} of ${count(connections)}, the last after ` +
      `${ms(reconnects.latency.maxMs)}`,
    target: `all, within the spread of ${spread} s`,
    ok: reconnects.count >= connections && reconnects.latency.maxMs <= spread * 1000 + GRACE_MS,
  });
  bench.figure({
    what: `${where}: durable events missed`,
    value: count(checks.lost),
    target: "0",
    ok: checks.lost === 0 && report.ok,
  });
  bench.figure({
    what: `${where}: latency of those connected, during the storm`,
    value: `p50 ${ms(latency.p50Ms)}, p99 ${ms(latency.p99Ms)}, max ${ms(latency.maxMs)}`,
    against:
      `p99 from ${ms(Math.min(...calm))} to ${ms(Math.max(...calm))} in the seconds ` +
      "after it, all back and nothing else to do",
    target: "p99 < 250 ms",
    ok: latency.p99Ms < P99_MS_MAX,
  });
  bench.figure({
    what: `${where}: recovered on return`,
    value:
      `${count(reconnects.recovered.count)} events; repeated on the wire ` +
      `${count(checks.repeated)}`,
  });
  bench.note(`attempts that came to nothing: ${JSON.stringify(report.connect.refusals)}`);
  if (!report.ok) bench.note(report.problems.join("; "));
}

export default benchmark;
