/** The cost of processes, from `/proc`: Linux only, which is where the benchmarks run. */
import { readdirSync, readFileSync } from "node:fs";

/**
 * The kernel's unit of times in `/proc`: 100 per second on all common Linux systems (`getconf
 * CLK_TCK`).
 */
const TICKS_PER_SECOND = 100;

/**
 * CPU of these processes and their threads since their start, user and system, s. An ended process
 * counts 0.
 */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = read(`/proc/${pid}/stat`);
    // The name in parentheses may contain blanks: fields count from after it. utime is field 14,
    // stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
  }, 0);
}

/** Resident memory, bytes. */
export function rssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const match = /^VmRSS:\s+([0-9]+) kB$/m.exec(read(`/proc/${pid}/status`));
    return sum + Number(match?.[1] ?? 0) * 1024;
  }, 0);
}

/** The process and all its descendants. */
export function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  const tree: number[] = [];
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    tree.push(pid);
    pending.push(...(childrenOf.get(pid) ?? []));
  }
  return tree;
}

/** Kernel memory of all TCP sockets of this machine, bytes. */
export function tcpMemoryBytes(): number {
  const pages = /^TCP:.* mem ([0-9]+)/m.exec(read("/proc/net/sockstat"))?.[1];
  return Number(pages ?? 0) * 4096;
}

/** Empty where the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
