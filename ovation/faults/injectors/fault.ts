/** A way to break something. Both promises resolve when it is done. */

import type { FaultKind } from "./schedule.ts";

export interface Fault extends FaultKind {
  begin(target: string): Promise<void>;
  end(target: string): Promise<void>;
}
