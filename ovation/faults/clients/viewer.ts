/** A viewer of a run, of either form: it writes what it sees into the history. */

import type { Topic } from "@ovation/protocol";
import type { ViewerRecorder } from "../history/viewer-recorder.ts";

export interface FaultViewer {
  readonly recorder: ViewerRecorder;
  /** Leaves for good: nothing is owed to it afterwards. */
  leave(): void;
  /** The run is over: what it saw until now is judged. */
  close(): void;
}

export interface ViewerOptions {
  readonly recorder: ViewerRecorder;
  readonly topics: readonly Topic[];
  readonly url: string;
  readonly token: string | undefined;
  random(): number;
}
