/** Redis is emptied: every frontend puts all its rows back. */

import { wallClock } from "../../failover-publishers.ts";
import { formatUnanswered, noCalls, totalOf } from "../call-watch.ts";
import { rowOf } from "../fakes.ts";
import type { Stage } from "../stage.ts";
import type { Part } from "./part.ts";

const POLL_MS = 200;
const PROGRESS_EVERY = 25;
const SAMPLES = 200;
const ARRIVE_MS = 1500;

export const flushall: Part = {
  name: "flushall",
  isQuiet: false,
  async run(stage, record) {
    const { bench, fleet, frontends, options } = stage;
    const givenUpMs = bench.size(20_000, 60_000);
    const rows = frontends * (options.videos + options.rows + 1);
    await fleet.expectRows();
    await fleet.calls();
    const from = wallClock();
    await stage.redis.node.send("FLUSHALL");
    let back = await fleet.rowsBack();
    for (let poll = 1; back.frontends < frontends && wallClock() - from < givenUpMs; poll++) {
      await Bun.sleep(POLL_MS);
      back = await fleet.rowsBack();
      if (poll % PROGRESS_EVERY === 0)
        bench.progress(`${back.frontends} of ${frontends} frontends have all rows back`);
    }
    const calls = await fleet.calls();
    const all = totalOf(calls);
    const renewals = calls.byCall["renew"] ?? noCalls();
    bench.progress(`calls: ${formatUnanswered(calls)}`);
    const isBack = back.frontends === frontends;
    record("flushSeconds", isBack ? (back.lastAt - from) / 1000 : Infinity);
    record("flushRows", (back.rows / rows) * 100);
    record("flushAnswered", all.answered);
    record("flushRefused", all.refused);
    record("flushFailed", all.refusedLate + all.failed);
    record("flushRenewals", renewals.refused + renewals.refusedLate + renewals.failed);
    record("flushUnserved", await countUnserved(stage));
  },
};

/** Of a sample of rows, those whose event does not come. */
async function countUnserved(stage: Stage): Promise<number> {
  const { fleet, frontends, options } = stage;
  await fleet.arrivals();
  const published = await Promise.all(
    Array.from({ length: SAMPLES }, () => {
      const [frontend, row] = [Math.random() * frontends, Math.random() * options.rows];
      return stage.publish(rowOf(Math.floor(frontend), Math.floor(row)));
    }),
  );
  await Bun.sleep(ARRIVE_MS);
  const arrivals = await fleet.arrivals();
  return published.filter(({ number }) => !arrivals.has(number)).length;
}
