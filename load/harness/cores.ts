/**
 * Assigns processes to cores, for benchmarks of one process on its own core while everything else
 * shares the rest of a small machine. Uses `taskset` of util-linux, which every Debian has.
 */
import { readdirSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

/**
 * nice(1) of processes that would be on other machines: they take what the others leave, and still
 * run.
 */
const ASIDE = 15;

export interface Placement {
  /** They share the first core, alone. */
  readonly alone: readonly number[];
  /** They have the other cores. */
  readonly beside: readonly number[];
  /** Of the background ones, which yield to all others. */
  readonly aside: readonly number[];
}

/** Returns whether it could: on one core, or without `taskset`, every process stays where it is. */
export function place({ alone, beside, aside }: Placement): boolean {
  const cores = availableParallelism();
  if (cores < 2 || Bun.which("taskset") === null) return false;
  for (const pid of aside)
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), ASIDE);
  for (const pid of beside) pin(pid, `1-${cores - 1}`);
  for (const pid of alone) pin(pid, "0");
  return true;
}

/** All its threads, and the threads and processes that it starts later. */
function pin(pid: number, cores: string): void {
  Bun.spawnSync(["taskset", "-acp", cores, String(pid)]);
}
