/**
 * A process whose wall clock can be set while it runs, by Debian's libfaketime. Its monotonic clock
 * is not changed.
 */

import { chmodSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ProcessClock {
  /** The process's name. */
  readonly name: string;
  /** How far it is ahead of the true time; takes effect within two seconds. */
  jump(aheadMs: number): void;
}

export interface ProcessClocks {
  readonly clocks: readonly ProcessClock[];
  /** What the process must be started with; nothing where clocks cannot be set here. */
  environmentOf(name: string): Readonly<Record<string, string>>;
  stop(): void;
}

const LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1";

export const CLOCKS_MISSING =
  "clock jumps: libfaketime is not installed (Debian: apt-get install libfaketime)";

/** `undefined` where the library is not installed. */
export function createProcessClocks(names: readonly string[]): ProcessClocks | undefined {
  const [library] = globSync(LIBRARIES);
  if (library === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "ovation-clocks-"));
  // PostgreSQL runs as another user, and reads its file as well.
  chmodSync(directory, 0o755);
  const fileOf = (name: string) => join(directory, name.replaceAll("/", "."));

  function set(name: string, aheadMs: number): void {
    const seconds = aheadMs / 1000;
    writeFileSync(fileOf(name), `${seconds < 0 ? "" : "+"}${seconds}\n`);
  }

  for (const name of names) set(name, 0);
  return {
    clocks: names.map((name) => ({ name, jump: (aheadMs) => set(name, aheadMs) })),
    environmentOf: (name) =>
      names.includes(name)
        ? {
            LD_PRELOAD: library,
            FAKETIME_TIMESTAMP_FILE: fileOf(name),
            FAKETIME_CACHE_DURATION: "1",
            FAKETIME_DONT_FAKE_MONOTONIC: "1",
          }
        : {},
    stop() {
      rmSync(directory, { recursive: true, force: true });
      removeLeftovers();
    },
  };
}

/** What libfaketime of processes that were killed has left in shared memory. */
function removeLeftovers(): void {
  for (const path of globSync("/dev/shm/{sem.faketime_sem,faketime_shm}_*")) {
    const [, pid] = /_(\d+)$/.exec(path) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path, { force: true });
  }
}
