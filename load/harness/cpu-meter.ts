/**
 * CPU of processes from now on, to the microsecond, by thread: `/proc/<pid>/stat` counts in
 * hundredths of a second, more than a hundred events of a small cluster cost.
 */
import { readdirSync, readFileSync } from "node:fs";

const NANOSECONDS = 1_000_000_000;

export class CpuMeter {
  readonly #pids: () => readonly number[];
  readonly #begun: ReadonlyMap<string, number>;

  /** A process that begins later counts from its start; one that ends counts no more. */
  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
    this.#begun = readThreads(pids());
  }

  seconds(): number {
    let sum = 0;
    for (const [thread, now] of readThreads(this.#pids()))
      sum += now - (this.#begun.get(thread) ?? 0);
    return sum / NANOSECONDS;
  }
}

/** Nanoseconds on a CPU of each thread. */
function readThreads(pids: readonly number[]): ReadonlyMap<string, number> {
  const threads = new Map<string, number>();
  for (const pid of pids)
    for (const thread of threadsOf(pid)) {
      const text = read(`/proc/${pid}/task/${thread}/schedstat`);
      if (text !== "") threads.set(`${pid}/${thread}`, Number(text.split(" ")[0]));
    }
  return threads;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // The process has ended.
    return [];
  }
}

/** Empty where the thread has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
