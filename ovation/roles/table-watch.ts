/** Whether the table's store is there, as it was last heard: for `readyz` and the program's log. */

import type { Logger } from "pino";

export interface TableWatch {
  onState(state: "connected" | "lost", detail: string): void;
  /** Why the process is not ready; `undefined` where it is. */
  why(): string | undefined;
  /** The process goes away: not ready from now on. */
  leave(): void;
}

export function createTableWatch(logger: Logger): TableWatch {
  let reason: string | undefined = "the subscription table's store is not reached yet";
  let leaving = false;
  return {
    onState(state, detail) {
      reason = state === "connected" ? undefined : `the subscription table's store is away: ${detail}`;
      logger[state === "connected" ? "info" : "warn"]({ detail }, `table ${state}`);
    },
    why: () => (leaving ? "the process is going away" : reason),
    leave() {
      leaving = true;
    },
  };
}
