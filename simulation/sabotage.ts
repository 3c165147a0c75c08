/** Where a run may be given a bug, as the simulated parts call it. */

import type { ClientEvent } from "@ovation/client";
import type { Message } from "@ovation/protocol";

export interface Sabotage {
  /**
   * What a viewer's end of a connection reads in place of `message`. `returned`: it returned with a
   * position.
   */
  frames(message: Message, returned: boolean): readonly Message[];
  /** How often the application's callback is called for an event. */
  callbacks(event: ClientEvent): number;
}
