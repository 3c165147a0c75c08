/**
 * The load generator, as a command and as a function, and the benchmarks (`npm run bench`).
 *
 * A run: reader processes open the connections and check what each receives; one process publishes on a fixed schedule;
 * the parent adds up. Nothing in it knows the servers but `targets/`.
 *
 * Invariants: every event on every connection is checked, whatever is parsed only once; times count from when an event was
 * due; a run ends by itself; other machines are loaded only where that is said in so many words.
 */
export { addLoadCommand } from "./command.ts";
export type { LatencySummary, PercentilePoint } from "./latency.ts";
export { type LiveProgress, type LoadHooks, type Phase, runLoad } from "./load.ts";
export { LOAD_DEFAULTS, LoadError, type LoadOptions } from "./options.ts";
export { formatReport, type LoadReport, type SecondSample } from "./report.ts";
export { formatReportHtml } from "./report-html.ts";
