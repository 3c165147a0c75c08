/**
 * What a run breaks: a running system, the doors of its viewers and publishers, and its faults.
 * Forms: `stage-one.ts` (`ovation start`) and `stage-cluster.ts` (the roles of a cluster).
 */

import { join } from "node:path";
import type { Topic } from "@ovation/protocol";
import type { ClusterProcess } from "../../cluster/cluster-process.ts";
import type { LoggedEvent } from "../history/history.ts";
import type { Recorder } from "../history/recorder.ts";
import type { Fault } from "../injectors/fault.ts";
import type { Door } from "./door.ts";
import type { ProcessLines } from "./process-lines.ts";

/** Of every process of a stage. */
export const STAGE_ENVIRONMENT = { OVATION_POLICY: join(import.meta.dir, "policy.yaml") };

/** What a stage is started with. */
export interface StageOptions {
  readonly seed: number;
  readonly recorder: Recorder;
  readonly lines: ProcessLines;
  onLine(process: string, line: string): void;
}

/** Restores an earlier copy of the data: everything since then is lost. */
export interface Backups {
  /** How this stage can be restored, by name. */
  readonly ways: readonly string[];
  /** All processes are ready after it. */
  backUp(way: string): Promise<void>;
  /** `whenStopped` is called while no process has the data open. */
  restore(way: string, whenStopped: () => Promise<void>): Promise<void>;
}

export interface Stage {
  /** What runs, for the report. */
  readonly shape: string;
  readonly secret: string;
  readonly doors: readonly Door[];
  readonly processes: readonly ClusterProcess[];
  /** Those that count likes. */
  readonly likers: readonly ClusterProcess[];
  readonly faults: readonly Fault[];
  readonly backups: Backups;
  /** Waits for judges that run beside the faults, and returns what was wrong. */
  settle(): Promise<readonly string[]>;
  /** Faults that this machine does not allow, and why. */
  readonly missing: readonly string[];
  /** All events of these topics at the end. Viewers and publishers are closed by then. */
  readLog(topics: readonly Topic[]): Promise<ReadonlyMap<string, readonly LoggedEvent[]>>;
  stop(): Promise<void>;
}
