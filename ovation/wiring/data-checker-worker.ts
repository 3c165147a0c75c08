/** The worker of `data-checker.ts`: one walk over the files, in steps, no faster than told. */

import { existsSync } from "node:fs";
import { RowWalk, type WalkStep } from "@ovation/database";
import { LogWalk } from "@ovation/log";

declare const self: Worker;

export interface CheckerOrder {
  readonly log: string;
  readonly stores: readonly string[];
  readonly bytesPerSecondMax: number;
}

/** Since the answer before. */
export interface CheckerAnswer {
  readonly bytes: number;
  readonly problems: readonly string[];
  readonly done: boolean;
}

/** Few enough that no read keeps the WAL from being checkpointed. */
const STEP_ROWS = 500;
/** A row costs at least this much, so that many small ones are no burst of work. */
const ROW_BYTES_MIN = 64;

interface Walk {
  step(limit: number): WalkStep;
  close(): void;
}

self.onmessage = ({ data }: MessageEvent<CheckerOrder>): void => {
  void check(data).then(() => answer({ bytes: 0, problems: [], done: true }));
};

async function check({ log, stores, bytesPerSecondMax }: CheckerOrder): Promise<void> {
  await walk(log, () => new LogWalk(log), bytesPerSecondMax);
  for (const path of stores) await walk(path, () => new RowWalk(path), bytesPerSecondMax);
}

async function walk(path: string, open: () => Walk, bytesPerSecondMax: number): Promise<void> {
  if (!existsSync(path)) return;
  let own: Walk | undefined;
  try {
    own = open();
    for (;;) {
      const { rows, bytes, problems, done } = own.step(STEP_ROWS);
      const named = problems.map((what) => `${path} is damaged: ${what}`);
      answer({ bytes, problems: named, done: false });
      if (done) return;
      const counted = Math.max(bytes, rows * ROW_BYTES_MIN);
      await Bun.sleep((counted / bytesPerSecondMax) * 1000);
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    // A page that cannot be read ends the walk of its file.
    const problems = isBusy(error) ? [] : [`${path} cannot be read: ${found}`];
    answer({ bytes: 0, problems, done: false });
  } finally {
    own?.close();
  }
}

/** Another program has the file; the next walk reads it. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

function answer(said: CheckerAnswer): void {
  self.postMessage(said);
}
