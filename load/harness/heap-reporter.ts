/**
 * Preloaded into the processes of a soak (`BUN_OPTIONS`): writes the size of the JavaScript heap
 * after a collection to a file of the process in OVATION_SOAK_HEAP.
 */
import { heapStats } from "bun:jsc";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const EVERY_MS = 10_000;

const directory = process.env["OVATION_SOAK_HEAP"];
if (directory !== undefined)
  setInterval(() => {
    Bun.gc(true);
    try {
      writeFileSync(join(directory, `${process.pid}`), `${heapStats().heapSize}\n`);
    } catch {
      // The soak is over, and its directory removed.
    }
  }, EVERY_MS).unref();
