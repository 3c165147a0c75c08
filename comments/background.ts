/** Work that follows an answer and that nobody waits for. Bounded; a failure is told, never thrown. */

import { BACKGROUND_MAX } from "./limits.ts";

export interface Background {
  /** Beyond the bound `work` is not started, and that counts as a failure. */
  run(work: () => Promise<void>): void;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
}

export function createBackground(onFailure: (error: unknown) => void): Background {
  const running = new Set<Promise<void>>();
  return {
    run(work) {
      if (running.size >= BACKGROUND_MAX) {
        onFailure(new Error(`more than ${BACKGROUND_MAX} tasks in the background`));
        return;
      }
      const task = work()
        .catch(onFailure)
        .finally(() => running.delete(task));
      running.add(task);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
