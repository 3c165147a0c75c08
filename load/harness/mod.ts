/**
 * Shared by tests of clusters and the benchmarks: publishers that fail over when a dispatcher dies,
 * the balance of their events, and the watch over viewer counts.
 */
export { type Balance, balance, movedAfterMs, type SeenEvent, type Witness } from "./balance.ts";
export { type CountSource, type CountWatch, watchCounts } from "./count-watch.ts";
export {
  type FailoverTask,
  type Outcome,
  type PublishedEvent,
  runFailoverPublishers,
  wallClock,
} from "./failover-publishers.ts";
export { readMetrics } from "./metrics.ts";
export { type BenchStream, openStream } from "./stream.ts";
export { type OpenWitness, openWitness, whenQuiet } from "./witness.ts";
