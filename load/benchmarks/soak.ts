/**
 * Half an hour of steady load on one process and on a cluster: does anything grow that should not?
 * Memory, descriptors, threads, rows of every table, Redis keys and log bytes are sampled every ten
 * seconds; the slope of a line fitted after the warm-up has a bound.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { fitSlope, isOver, type Sample } from "../harness/slopes.ts";
import { type SoakLoad, type SoakTarget, startSoakLoad } from "../harness/soak-load.ts";
import { findEnded, type SoakSources, takeSamples } from "../harness/soak-samples.ts";
import { count } from "../report.ts";

const HEAP_REPORTER = fileURLToPath(new URL("../harness/heap-reporter.ts", import.meta.url));
const MINUTES = 30;
const EVERY_MS = 10_000;
/** Until caches are warm and retention has begun to delete events. */
const WARM_UP_SHARE = 1 / 4;
const WARM_UP_MS_MAX = 6 * 60_000;
/** Shorter runs show whether it works; their slopes are mostly warm-up. */
const JUDGED_MINUTES_MIN = 20;
/** Reached after some two minutes: from then on the number of rows is constant. */
const RETENTION_EVENTS = 200;
const POLICY = `kinds:
  video:
    subscribe: anyone
    retention: { events: ${RETENTION_EVENTS} }
`;
const WRONG_SHARE_MAX = 0.001;
const MEGABYTE = 1024 * 1024;

/** Allowed growth of a series per hour. The first match counts. */
const BOUNDS: readonly {
  readonly of: RegExp;
  readonly perHour: (made: SoakLoad["made"], hours: number) => number;
}[] = [
  { of: / rss$/, perHour: () => 60 * MEGABYTE },
  // After a collection: what remains is in use.
  { of: / heap$/, perHour: () => 20 * MEGABYTE },
  { of: / (files|threads)$/, perHour: () => 30 },
  { of: /^log bytes$/, perHour: () => 0.2 * MEGABYTE },
  { of: /^redis keys$/, perHour: () => 500 },
  { of: /^redis bytes$/, perHour: () => 3 * MEGABYTE },
  // Kept for a day, by design: one per durable event. A pin also makes a notification.
  { of: /^rows of keys$/, perHour: ({ durable }, hours) => (durable / hours) * 1.15 },
  // A guest's, for 90 days: `records` of the policy.
  { of: /^rows of ovation_(members|guests|guest_addresses)$/, perHour: perGuest },
  // Members with notifications have their own topic.
  { of: /^rows of topics$/, perHour: perGuest },
  // Notifications are kept in the topic of their member.
  {
    of: /^rows of events$/,
    perHour: ({ notifications }, hours) => 2000 + (notifications / hours) * 1.05,
  },
  { of: /^rows of /, perHour: () => 60 },
];

function perGuest({ guests }: SoakLoad["made"], hours: number): number {
  return (guests / hours) * 1.05;
}

const benchmark: Benchmark = {
  name: "soak",
  about:
    "half an hour (--minutes N) of steady load on one process and on a cluster: the " +
    "slopes of memory, descriptors, threads, rows, keys and log bytes",
  async run(bench) {
    const minutes = bench.minutes ?? bench.size(1, MINUTES);
    const directory = mkdtempSync(join(tmpdir(), "ovation-soak-"));
    const policy = join(directory, "policy.yaml");
    writeFileSync(policy, POLICY);
    const environment = {
      BUN_OPTIONS: `--preload=${HEAP_REPORTER}`,
      OVATION_SOAK_HEAP: directory,
      OVATION_POLICY: policy,
    };
    try {
      const stages = [
        await startOne(bench, environment, directory),
        await startCluster(bench, environment, directory),
      ];
      await Promise.all(stages.map((stage) => soak(bench, stage, minutes)));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

interface Stage {
  readonly name: string;
  readonly target: SoakTarget;
  readonly sources: SoakSources;
}

async function startOne(
  bench: Bench,
  environment: Readonly<Record<string, string>>,
  heaps: string,
): Promise<Stage> {
  const server = await bench.ovation({ environment, flags: ["--log-level", "warn"] });
  const { url, token = "", directory, logBytes, ended } = server;
  const [root = 0] = server.pids();
  return {
    name: "one",
    target: { frontends: [url], dispatcher: url, comments: url, token },
    sources: { processes: new Map([["start", root]]), heaps, logBytes, ended, data: directory },
  };
}

async function startCluster(
  bench: Bench,
  environment: Readonly<Record<string, string>>,
  heaps: string,
): Promise<Stage> {
  const cluster = await bench.cluster({ frontends: 2, environment });
  const { token, postgres, logBytes } = cluster;
  const urlsOf = (role: string) => cluster.of(role).map(({ url }) => url);
  const [dispatcher = ""] = urlsOf("dispatcher");
  const [comments = ""] = urlsOf("comments");
  const processes = new Map(cluster.processes.map(({ name, pid }) => [name, pid]));
  return {
    name: "cluster",
    target: { frontends: urlsOf("frontend"), dispatcher, comments, token },
    sources: {
      processes,
      heaps,
      logBytes,
      ended: () => findEnded(processes),
      postgres,
      redis: cluster.redis("east"),
    },
  };
}

async function soak(bench: Bench, { name, target, sources }: Stage, minutes: number) {
  const load = await startSoakLoad(target);
  const series = new Map<string, Sample[]>();
  const began = performance.now();
  const warmUpMs = Math.min(WARM_UP_MS_MAX, minutes * 60_000 * WARM_UP_SHARE);
  let madeBefore = { ...load.made };
  try {
    while (performance.now() - began < minutes * 60_000 && sources.ended() === undefined) {
      await Bun.sleep(EVERY_MS);
      const atMs = performance.now() - began;
      const samples = await takeSamples(sources);
      if (atMs < warmUpMs) {
        madeBefore = { ...load.made };
        continue;
      }
      for (const [what, value] of Object.entries(samples)) {
        const own = series.get(what) ?? [];
        series.set(what, own);
        own.push({ seconds: atMs / 1000, value });
      }
    }
  } finally {
    await load.stop();
  }
  judgeEnd(bench, name, sources.ended(), (performance.now() - began) / 60_000);
  const made = {
    durable: load.made.durable - madeBefore.durable,
    guests: load.made.guests - madeBefore.guests,
    notifications: load.made.notifications - madeBefore.notifications,
  };
  const hours = (performance.now() - began - warmUpMs) / 3_600_000;
  const isJudged = minutes >= JUDGED_MINUTES_MIN;
  if (!isJudged)
    bench.note(`${name}: slopes of less than ${JUDGED_MINUTES_MIN} minutes are not judged`);
  for (const [what, samples] of series) {
    const bound = BOUNDS.find(({ of }) => of.test(what))?.perHour(made, hours);
    if (bound !== undefined) judge(bench, `${name}: ${what}`, samples, bound, isJudged);
  }
  judgeLoad(bench, name, load);
}

/** A process that has ended has no slope: the soak ends with it. */
function judgeEnd(bench: Bench, name: string, ended: string | undefined, minutes: number): void {
  bench.figure({
    what: `${name}: processes that ended`,
    value: ended === undefined ? "none" : `after ${minutes.toFixed(1)} minutes: ${ended}`,
    target: "none",
    ok: ended === undefined,
  });
}

function judge(
  bench: Bench,
  what: string,
  samples: readonly Sample[],
  bound: number,
  isJudged: boolean,
): void {
  const slope = fitSlope(samples);
  const last = samples.at(-1)?.value ?? 0;
  if (slope === undefined) {
    bench.figure({ what, value: "too few samples", ...(isJudged ? { ok: false } : {}) });
    return;
  }
  const isBytes = /(rss|heap|bytes)$/.test(what);
  const show = (value: number) =>
    isBytes ? `${(value / MEGABYTE).toFixed(2)} MB` : count(Math.round(value));
  bench.figure({
    what,
    value: `${show(slope.perHour)} ± ${show(slope.errorPerHour)} an hour, ${show(last)} at the end`,
    target: `≤ ${show(bound)} an hour`,
    ...(isJudged ? { ok: !isOver(slope, bound) } : {}),
  });
}

function judgeLoad(bench: Bench, name: string, load: SoakLoad): void {
  const { watched, requests, wrongCount, wrong } = load;
  bench.figure({
    what: `${name}: comments and events missed or out of order at the watching viewer`,
    value: `${count(watched.wrong)} of ${count(watched.seen)}`,
    target: "0",
    ok: watched.wrong === 0 && watched.seen > 0,
  });
  bench.figure({
    what: `${name}: requests answered otherwise than they should be`,
    value: `${count(wrongCount)} of ${count(requests)}`,
    target: `≤ ${WRONG_SHARE_MAX * 100} %`,
    ok: wrongCount <= requests * WRONG_SHARE_MAX,
  });
  for (const one of wrong) bench.note(`${name}: ${one}`);
}

export default benchmark;
