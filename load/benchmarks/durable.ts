/**
 * How many comments a second are stored and acknowledged, posted one per request by 64 clients that
 * wait for each response.
 */
import { readFileSync } from "node:fs";
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { type PostTask, runPostClients } from "../harness/post-clients.ts";
import { cpuSeconds } from "../harness/process-figures.ts";
import { count, ms } from "../report.ts";

const CLIENTS = 64;
const WARM_UP_SECONDS = 1;

const benchmark: Benchmark = {
  name: "durable",
  about:
    "comments committed (fsync), one POST each, 64 clients: one process on SQLite; " +
    "two comments processes on PostgreSQL",
  async run(bench) {
    const server = await bench.ovation();
    const token = server.token ?? "";
    await measure(
      bench,
      "SQLite, one process",
      { urls: [server.url], token },
      () => server.pids(),
      15_000,
      50,
    );
    await server.stop();
    const cluster = await bench.cluster({ comments: 2 });
    const urls = cluster.of("comments").map(({ url }) => url);
    const roles = new Map(cluster.processes.map(({ pid, role }) => [pid, role]));
    await measure(
      bench,
      "PostgreSQL, 2 comments processes, one hot topic",
      { urls, token: cluster.token },
      () => cluster.pids(),
      8000,
      undefined,
      (pid) => roles.get(pid) ?? nameOf(pid),
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
  partOf?: (pid: number) => string,
): Promise<void> {
  const task: Omit<PostTask, "seconds"> = {
    ...given,
    path: "/v1/videos/bench/comments",
    clients: CLIENTS,
    form: "comment",
  };
  await runPostClients({ ...task, path: "/v1/videos/warm-up/comments", seconds: WARM_UP_SECONDS });
  const before = new Map(pids().map((pid) => [pid, cpuSeconds([pid])]));
  const result = await runPostClients({ ...task, seconds: bench.size(2, 10) });
  const cpuOf = new Map(
    pids().map((pid) => [
      pid,
      ((cpuSeconds([pid]) - (before.get(pid) ?? 0)) * 1_000_000) / result.answers,
    ]),
  );
  const cpuUs = [...cpuOf.values()].reduce((sum, us) => sum + us, 0);
  bench.figure({
    what,
    value:
      `${count(result.perSecond)} comments/s, p50 ${ms(result.p50Ms)}, p99 ` +
      `${ms(result.p99Ms)}; ${cpuUs.toFixed(0)} µs of CPU each`,
    target: `${count(atLeast)}/s${p99Ms === undefined ? "" : `, p99 < ${p99Ms} ms`}`,
    ok: result.perSecond >= atLeast && (p99Ms === undefined || result.p99Ms < p99Ms),
  });
  if (partOf !== undefined) bench.note(`CPU of a comment: ${shares(cpuOf, partOf)}`);
  bench.figure({
    what: `${what}, refused`,
    value: count(result.refused),
    target: "0",
    ok: result.refused === 0,
  });
}

/** CPU of each part of the cluster, the largest first. */
function shares(cpuOf: ReadonlyMap<number, number>, partOf: (pid: number) => string): string {
  const parts = new Map<string, number>();
  for (const [pid, us] of cpuOf) parts.set(partOf(pid), (parts.get(partOf(pid)) ?? 0) + us);
  const most = [...parts].sort((left, right) => right[1] - left[1]).filter(([, us]) => us >= 0.5);
  return most.map(([part, us]) => `${part} ${us.toFixed(0)} µs`).join(", ");
}

/** The program of a process: `postgres`, `redis-server`. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    // It has ended in between: an idle worker of the database.
    return "ended";
  }
}

export default benchmark;
