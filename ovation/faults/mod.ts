/**
 * Faults: the proof of the two lanes' promises on real processes.
 *
 * A run starts a cluster (or `ovation start`), lets publishers publish and viewers watch, and
 * breaks things by a schedule drawn from a seed: `kill -9`, SIGSTOP, an emptied Redis, a crashed
 * PostgreSQL, cut links, a full disk, a disk that lies, a clock that jumps, viewers that vanish. All
 * that publishers were told and viewers saw goes into a **history**; when everything is whole,
 * the **checker** compares it with the log.
 *
 *     npm run faults -- --minutes 5 --seed 7 --topology cluster
 *
 * Life of a run: stage up → viewers in → publishers on → faults by schedule → all healed →
 * publishers off → everybody caught up (bounded) → log read → verdict → a backup put back → stage
 * down. The same seed makes the same schedule.
 */

export { check, type Verdict } from "./checkers/checker.ts";
export type { Violation } from "./checkers/violation.ts";
export type { History } from "./history/history.ts";
export { type RunOptions, runFaults } from "./run.ts";
export type { RunReport } from "./run-report.ts";
