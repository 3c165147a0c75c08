/** A disk so small that it can be filled: a tmpfs, where this process may mount one. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly directory: string;
  /** Writes until no byte is free. */
  fill(): Promise<void>;
  empty(): void;
  unmount(): void;
}

export const DISK_MISSING = "full disk: only root may mount a small one";

const MEGABYTES = 256;
/** Written one after the other until no more fits: large ones for speed, a page at last. */
const PIECES_BYTES = [4 * 1024 * 1024, 64 * 1024, 4096] as const;

/** `undefined` where this process may not mount. */
export function mountSmallDisk(): SmallDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), "ovation-disk-"));
  const mount = Bun.spawnSync(
    ["mount", "-t", "tmpfs", "-o", `size=${MEGABYTES}m`, "tmpfs", directory],
    { stderr: "ignore" },
  );
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
    fill: () => fill(ballast),
    empty: () => rmSync(ballast, { force: true }),
    unmount,
  };
}

/**
 * In pieces, until one does not fit: the server writes to the disk at the same time, so the free
 * space is not known. Not on this thread, which runs the viewers' timers.
 */
async function fill(path: string): Promise<void> {
  const file = await open(path, "w").catch(unlessFull);
  if (file === undefined) return;
  try {
    for (const bytes of PIECES_BYTES) {
      const piece = Buffer.alloc(bytes);
      while ((await file.write(piece).catch(unlessFull)) !== undefined);
    }
  } finally {
    await file.close().catch(unlessFull);
  }
}

function unlessFull(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  return undefined;
}
