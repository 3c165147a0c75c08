/**
 * load: the load generator, as a command and as a function, and the benchmarks (`npm run bench`).
 *
 * A run: reader processes open the connections and check what each receives; one process publishes
 * on a fixed schedule; the parent adds up. Only `targets/` knows particular servers.
 *
 * Invariants: every event on every connection is checked, though parsed only once; latency counts
 * from when an event was due; a run ends by itself; other machines are loaded only with an explicit
 * option.
 */
export { addLoadCommand } from "./command.ts";
export type { LatencySummary, PercentilePoint } from "./latency.ts";
export { type LiveProgress, type LoadHooks, type Phase, runLoad } from "./load.ts";
export { LOAD_DEFAULTS, LoadError, type LoadOptions } from "./options.ts";
export { formatReport, type LoadReport, type SecondSample } from "./report.ts";
export { formatReportHtml } from "./report-html.ts";
