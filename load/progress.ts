/** The live line of a run. */
import type { LiveProgress } from "./load.ts";
import { count, ms } from "./report.ts";

export function formatProgress(progress: LiveProgress): string {
  const { latest } = progress;
  const parts = [
    progress.phase.padEnd(10),
    `${count(progress.ready)} connected`,
    `${count(progress.deliveriesPerSecond)} deliveries/s`,
    latest === undefined || latest.maxMs === 0
      ? ""
      : `p50 ${ms(latest.p50Ms)} p99 ${ms(latest.p99Ms)}`,
    progress.reconnects > 0 ? `${count(progress.reconnects)} returned` : "",
    progress.gaps > 0 ? `${count(progress.gaps)} gaps` : "",
    progress.refused > 0 ? `${count(progress.refused)} refused` : "",
    progress.duplicates + progress.disordered > 0
      ? `${count(progress.duplicates)} TWICE, ${count(progress.disordered)} OUT OF ORDER`
      : "",
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Overwrites one line on a terminal; elsewhere a line every five seconds. */
export function createProgressPrinter(stream: NodeJS.WriteStream): {
  show(progress: LiveProgress): void;
  clear(): void;
} {
  let lastMs = 0;
  return {
    show(progress) {
      const line = formatProgress(progress);
      if (stream.isTTY) {
        stream.write(`\r\x1b[2K${line.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
      } else if (performance.now() - lastMs >= 5000) {
        lastMs = performance.now();
        stream.write(`${line}\n`);
      }
    },
    clear() {
      if (stream.isTTY) stream.write("\r\x1b[2K");
    },
  };
}
