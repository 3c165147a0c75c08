/** Sampled every ten seconds of a soak: memory, descriptors, threads, rows, keys and log bytes. */
import { Database } from "bun:sqlite";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { processTree, rssBytes } from "./process-figures.ts";
import { redisNodes } from "./redis-nodes.ts";

/** By the name of a series: `frontend-0 rss`, `rows of events`. */
export type Samples = Readonly<Record<string, number>>;

export interface SoakSources {
  /** By name; a tree of several processes is summed. */
  readonly processes: ReadonlyMap<string, number>;
  /** Where the processes write their heap's size: see `heap-reporter.ts`. */
  readonly heaps: string;
  logBytes(): number;
  /** How a process ended before its time; `undefined` while all run. */
  ended(): string | undefined;
  /** Of SQLite. */
  readonly data?: string;
  readonly postgres?: string;
  readonly redis?: string;
}

/** Of processes whose ends nothing reports. */
export function findEnded(processes: ReadonlyMap<string, number>): string | undefined {
  for (const [name, pid] of processes) if (rssBytes([pid]) === 0) return `${name} has ended`;
  return undefined;
}

const DATABASES = ["log", "videos", "members"] as const;

export async function takeSamples(sources: SoakSources): Promise<Samples> {
  return {
    ...Object.assign({}, ...[...sources.processes].map(([name, pid]) => ofProcess(name, pid))),
    ...heapsOf(sources),
    "log bytes": sources.logBytes(),
    ...(sources.data === undefined ? {} : sqliteRows(sources.data)),
    ...(sources.postgres === undefined ? {} : await postgresRows(sources.postgres)),
    ...(sources.redis === undefined ? {} : await redisKeys(sources.redis)),
  };
}

function ofProcess(name: string, root: number): Samples {
  const pids = processTree(root);
  return {
    [`${name} rss`]: rssBytes(pids),
    [`${name} files`]: pids.reduce((sum, pid) => sum + filesOf(pid), 0),
    [`${name} threads`]: pids.reduce((sum, pid) => sum + threadsOf(pid), 0),
  };
}

function heapsOf({ processes, heaps }: SoakSources): Samples {
  const samples: Record<string, number> = {};
  for (const [name, root] of processes) {
    const sizes = processTree(root).map((pid) => Number(read(join(heaps, `${pid}`))));
    const sum = sizes.reduce((all, size) => all + size, 0);
    // None has reported yet.
    if (sum > 0) samples[`${name} heap`] = sum;
  }
  return samples;
}

function filesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function threadsOf(pid: number): number {
  return Number(/^Threads:\s+([0-9]+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function sqliteRows(directory: string): Samples {
  const rows: Record<string, number> = {};
  for (const name of DATABASES) {
    const database = new Database(join(directory, `${name}.sqlite`), { readonly: true });
    try {
      const tables = database
        .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'")
        .all();
      for (const { name: table } of tables) {
        const counted = database.query<{ n: number }, []>(`SELECT count(*) AS n FROM "${table}"`);
        rows[`rows of ${table}`] = counted.get()?.n ?? 0;
      }
    } finally {
      database.close();
    }
  }
  return rows;
}

async function postgresRows(url: string): Promise<Samples> {
  const sql = new Bun.SQL(url, { max: 1 });
  try {
    const tables: readonly { readonly schema: string; readonly name: string }[] = await sql`
      SELECT schemaname AS schema, tablename AS name FROM pg_tables
      WHERE schemaname IN ('ovation_log', 'public')`;
    const rows: Record<string, number> = {};
    for (const { schema, name } of tables) {
      const [row] = await sql.unsafe(`SELECT count(*)::int AS n FROM "${schema}"."${name}"`);
      rows[`rows of ${name}`] = Number((row as { readonly n: number }).n);
    }
    return rows;
  } finally {
    await sql.close();
  }
}

async function redisKeys(url: string): Promise<Samples> {
  let [keys, bytes] = [0, 0];
  for (const node of redisNodes(url)) {
    keys += Number(await node.send("DBSIZE"));
    bytes += Number(
      /used_memory_dataset:([0-9]+)/.exec(String(await node.send("INFO", "memory")))?.[1],
    );
  }
  return { "redis keys": keys, "redis bytes": bytes };
}

/** Empty where it does not exist, or not yet. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return basename(path) === "status" ? "" : "0";
  }
}
