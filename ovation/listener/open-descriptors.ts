/**
 * The files that this process has open and may have: a connection is one. Linux says both;
 * elsewhere they are not known.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";

/** `ulimit -n` of this process, which Bun has raised to what the system allows. */
export function descriptorsMax(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // No /proc here, or one that says nothing: not known.
    return undefined;
  }
}

export function openDescriptors(): number | undefined {
  try {
    // Since Linux 6.2 the size of the directory is the number; before, it is 0 and they are
    // counted.
    return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
