/** What frontends cost that hold rows, and whose viewers get no events. */

import { formatUnanswered, totalOf } from "../call-watch.ts";
import type { Part } from "./part.ts";

/** The first leases, reports and probes have their turn. */
const SETTLE_MS = 3000;
const KILOBYTE = 1000;
const MEGABYTE = 1_000_000;

export const idle: Part = {
  name: "idle",
  isQuiet: false,
  async run(stage, record) {
    const { bench, fleet, frontends } = stage;
    await Bun.sleep(bench.size(500, SETTLE_MS));
    await fleet.calls();
    const costs = await stage.measure(() => Bun.sleep(bench.size(1500, 8000)));
    const watched = await fleet.calls();
    const calls = totalOf(watched);
    bench.progress(`calls: ${formatUnanswered(watched)}`);
    const each = (total: number) => total / frontends / costs.seconds;
    record("idleRedis", each(costs.redisCpuSeconds) * 1_000_000);
    record("idleCommands", each(costs.redisCommands));
    record("idleBytes", each(costs.redisBytes) / KILOBYTE);
    record("idleDispatchers", each(costs.dispatcherCpuSeconds) * 1_000_000);
    record("idleStatements", costs.statements / costs.seconds);
    record("idlePostgres", (costs.postgresCpuSeconds / costs.seconds) * 1000);
    record("idleAnswered", each(calls.answered));
    const unanswered = calls.refused + calls.refusedLate + calls.failed;
    record("idleUnanswered", (unanswered / Math.max(1, calls.answered + unanswered)) * 100);
    record("idleMemory", Math.max(...stage.dispatcherBytes()) / MEGABYTE);
  },
};
