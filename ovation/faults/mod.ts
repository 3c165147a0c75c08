/**
 * Faults: the proof of the two lanes' promises on real processes.
 *
 * A run starts a **stage** (`ovation start` or a cluster) with publishers and viewers, and injects
 * faults by a schedule drawn from a seed: `kill -9`, SIGSTOP, an emptied Redis, a crashed
 * PostgreSQL, cut links, a full or damaged disk, a clock that jumps, viewers that vanish. A
 * **history** records the responses to publishers and what viewers saw; after the last fault the
 * **checker** compares it with the log.
 *
 *     npm run faults -- --minutes 5 --seed 7 --topology cluster
 *
 * Life cycle of a run: start the stage → connect viewers → start publishers → inject faults → heal
 * all → stop publishers → wait for all viewers (bounded) → read the log → judge → restore a backup
 * → stop the stage. The same seed makes the same schedule.
 */

export { check, type Verdict } from "./checkers/checker.ts";
export type { Violation } from "./checkers/violation.ts";
export type { History } from "./history/history.ts";
export { type RunOptions, runFaults } from "./run.ts";
export type { RunReport } from "./run-report.ts";
