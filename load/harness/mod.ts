/**
 * What tests of clusters share with the benchmarks: publishers that move on when a dispatcher dies, the balance of what they sent, and
 * the watch over viewer counts.
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
