/**
 * simulation: the real frontends, dispatchers, table, log and SDK in one process, over a simulated
 * network and clock. A seed decides everything: the shape of the cluster, the faults and their
 * times. Checkers watch every connection, every callback, and the whole cluster after healing.
 *
 * Life cycle: `simulate({seed})` is one synchronous call; `main.ts` calls it for many seeds.
 * Invariants: nothing here waits, reads the time or draws a number except through `clock.ts` and
 * `random.ts`; two runs of one seed take the same steps. What it simulates and checks:
 * docs/simulation.md.
 */

export type { Check, Failure } from "./checkers/verdict.ts";
export { PLANTED, type Planted } from "./saboteur.ts";
export { type Outcome, type SimulateOptions, simulate } from "./simulate.ts";
export type { Settings } from "./world.ts";
