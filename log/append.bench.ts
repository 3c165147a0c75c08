/**
 * Commits per second of 64 clients that append one comment at a time to one hot topic, each waiting
 * for the answer: SQLite in one process, PostgreSQL from two. fsync is on in both. Then what a
 * commit group of a size costs PostgreSQL's own processes, in CPU: that is what bounds a hot topic.
 *
 * `sh ovation/bin/bun log/append.bench.ts [sqlite|postgres] [seconds]`
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJsonText, topicOf } from "@ovation/protocol";
import { startPostgres } from "../testing/postgres.ts";
import { type Log, type LogEntry, openPostgresLog, openSqliteLog } from "./mod.ts";
import { LogClient } from "./postgres/log-client.ts";

const CLIENTS = 64;
const POSTGRES_PROCESSES = 2;
const topic = topicOf("video", "bench");

/**
 * How the clients name their comments: keys cost a look-up and an insert in an index, in time order
 * or anywhere in it.
 */
const KEYS = {
  "no keys": () => undefined,
  "ascending keys": (_client: number, count: number) => `${1e12 + count}`,
  "random keys": () => crypto.randomUUID(),
};

interface Result {
  readonly latencies: number[];
  readonly elapsedMs: number;
}

async function measure(
  log: Log,
  clients: number,
  seconds: number,
  keyOf: (client: number, count: number) => string | undefined,
): Promise<Result> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1000;
  let count = 0;
  async function client(id: number): Promise<void> {
    while (performance.now() < until) {
      const started = performance.now();
      const data = toJsonText({
        text: "What a goal, I cannot believe it",
        author: { id: `m${id}`, name: "Alice", role: "member" },
      });
      const key = keyOf(id, count++);
      await log.append([
        { topic, type: "comment", at: Date.now(), data, ...(key === undefined ? {} : { key }) },
      ]);
      latencies.push(performance.now() - started);
    }
  }
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  return { latencies, elapsedMs: performance.now() - started };
}

function print(name: string, { latencies, elapsedMs }: Result): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  const rate = Math.round((latencies.length * 1000) / elapsedMs).toLocaleString("en");
  console.log(
    `${name.padEnd(44)} ${rate.padStart(8)} appends/s  ` +
      `p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  p99.9 ${at(0.999)} ms`,
  );
}

async function benchSqlite(seconds: number): Promise<void> {
  for (const [name, keyOf] of Object.entries(KEYS)) {
    const directory = mkdtempSync(join(tmpdir(), "ovation-bench-"));
    const log = await openSqliteLog({ path: join(directory, "log.sqlite") });
    print(`SQLite, 1 process, ${name}`, await measure(log, CLIENTS, seconds, keyOf));
    await log.close();
    rmSync(directory, { recursive: true });
  }
}

async function benchPostgres(seconds: number): Promise<void> {
  const postgres = await startPostgres({ shared_buffers: "256MB" });
  try {
    const url = await postgres.createDatabase("bench");
    const children = Array.from({ length: POSTGRES_PROCESSES }, () =>
      Bun.spawn([process.execPath, import.meta.path, "postgres-child", `${seconds}`, url], {
        stdout: "pipe",
        stderr: "inherit",
      }),
    );
    const results: Result[] = await Promise.all(
      children.map((child) => new Response(child.stdout).json()),
    );
    const latencies = results.flatMap((result) => result.latencies);
    print(`PostgreSQL, ${POSTGRES_PROCESSES} processes, random keys`, {
      latencies,
      elapsedMs: Math.max(...results.map((result) => result.elapsedMs)),
    });
  } finally {
    await postgres.stop();
  }
}

const GROUP_SIZES = [1, 8, 64];
/** The kernel's unit for times in `/proc`. */
const TICK_US = 10_000;

async function benchPostgresGroups(seconds: number): Promise<void> {
  const postgres = await startPostgres({ shared_buffers: "256MB" });
  try {
    const url = await postgres.createDatabase("bench");
    const log = await openPostgresLog({ url });
    const client = new LogClient(url, { applicationName: "bench" });
    const [own] = await client.query<{ pids: string }>(
      "reads",
      "SELECT string_agg(pid::text, ' ') AS pids FROM pg_stat_activity WHERE application_name " +
        "<> 'bench'",
    );
    const cpuUs = () =>
      (own?.pids ?? "").split(" ").reduce((sum, pid) => sum + ticksOf(pid) * TICK_US, 0);
    let count = 0;
    const comment = (): LogEntry => {
      const data = toJsonText({
        text: "What a goal, I cannot believe it",
        author: { id: "m1", name: "Alice", role: "member" },
      });
      return { topic, type: "comment", at: Date.now(), data, key: `m1 ${count++}` };
    };
    for (const size of GROUP_SIZES) {
      let calls = 0;
      const before = cpuUs();
      for (const until = performance.now() + seconds * 1000; performance.now() < until; calls++) {
        await log.append(Array.from({ length: size }, comment));
      }
      const each = (cpuUs() - before) / calls;
      const perEntry = (each / size).toFixed(1);
      const line = `${each.toFixed(0).padStart(8)} µs of the server's CPU, ${perEntry} µs an entry`;
      console.log(`${`PostgreSQL, groups of ${size}, with keys`.padEnd(44)} ${line}`);
    }
    await Promise.all([log.close(), client.close()]);
  } finally {
    await postgres.stop();
  }
}

/** User and system time of a process; 0 where it is gone. */
function ticksOf(pid: string): number {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

const [form = "all", secondsText = "3", url = ""] = process.argv.slice(2);
const seconds = Number(secondsText);
if (form === "postgres-child") {
  const log = await openPostgresLog({ url });
  console.log(
    JSON.stringify(await measure(log, CLIENTS / POSTGRES_PROCESSES, seconds, KEYS["random keys"])),
  );
  await log.close();
} else {
  if (form !== "postgres") await benchSqlite(seconds);
  if (form !== "sqlite") {
    await benchPostgres(seconds);
    await benchPostgresGroups(seconds);
  }
}
