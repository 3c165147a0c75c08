/**
 * Who runs where, for benchmarks whose question is what one process can do with a core of its own while everything around it
 * shares the rest of a small machine. With `taskset` of util-linux, which every Debian has.
 */
import { readdirSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

/** nice(1) of those that would be on other machines: enough that they take what the others leave, and still run. */
const ASIDE = 15;

export interface Placement {
  /** Each of them has the first core to itself, together. */
  readonly alone: readonly number[];
  /** They have the other cores. */
  readonly beside: readonly number[];
  /** Of those beside, which give way to the rest of them. */
  readonly aside: readonly number[];
}

/** Says whether it could: on one core, or without `taskset`, everybody stays where they were. */
export function place({ alone, beside, aside }: Placement): boolean {
  const cores = availableParallelism();
  if (cores < 2 || Bun.which("taskset") === null) return false;
  for (const pid of aside)
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), ASIDE);
  for (const pid of beside) pin(pid, `1-${cores - 1}`);
  for (const pid of alone) pin(pid, "0");
  return true;
}

/** All its threads, those that it starts later, and the processes that it starts later. */
function pin(pid: number, cores: string): void {
  Bun.spawnSync(["taskset", "-acp", cores, String(pid)]);
}
