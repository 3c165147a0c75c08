/** A disk so small that it can be filled: a tmpfs, where this process may mount one. */

import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly directory: string;
  /** Takes all the room there is. */
  fill(): void;
  makeRoom(): void;
  unmount(): void;
}

export const DISK_MISSING = "full disk: only root may mount a small one";

const MEGABYTES = 256;
/** Left when it is full: less than one page of SQLite's. */
const REST_BYTES = 2048;

/** `undefined` where this process may not mount. */
export function mountSmallDisk(): SmallDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), "ovation-disk-"));
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${MEGABYTES}m`, "tmpfs", directory], { stderr: "ignore" });
  if (mount.exitCode !== 0) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const data = join(directory, "data");
  const ballast = join(directory, "ballast");
  mkdirSync(data);

  function unmount(): void {
    process.off("exit", unmount);
    // Lazily: a process that was killed may still be going.
    Bun.spawnSync(["umount", "-l", directory], { stderr: "ignore" });
    rmSync(directory, { recursive: true, force: true });
  }

  process.once("exit", unmount);
  return {
    directory: data,
    fill() {
      const { bavail, bsize } = statfsSync(directory);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - REST_BYTES)));
      } catch (error) {
        // The log grew meanwhile: full is what it was to become.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    unmount,
  };
}
