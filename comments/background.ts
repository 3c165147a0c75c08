/** Work that follows a response. Bounded; a failure is reported, never thrown. */

import { BACKGROUND_MAX } from "./limits.ts";

export interface Background {
  /** Over BACKGROUND_MAX `work` is not started, and a failure is reported. */
  run(work: () => Promise<void>): void;
  /** Resolves when no work runs. */
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
