/** A durable event that was stored and whose publish failed, of a topic that all frontends have. */

import { toJsonText } from "@ovation/protocol";
import { GROWTH_EVENT } from "../arrivals.ts";
import { videoOf } from "../fakes.ts";
import type { Stage } from "../stage.ts";
import type { Part } from "./part.ts";

const GIVEN_UP_MS = 15_000;
const POLL_MS = 20;
/** Longer than an answer about a topic is shared by a dispatcher. */
const PAUSE_MS = 2500;

export const repair: Part = {
  name: "repair",
  isQuiet: true,
  async run(stage, record) {
    const { bench, fleet } = stage;
    const gaps = bench.size(1, 4);
    // The topic has a number from which the next one shows a gap.
    await stage.publish(videoOf(1), true);
    let lastMs = 0;
    let reads = 0;
    await fleet.calls();
    for (let gap = 0; gap < gaps; gap++) {
      await Bun.sleep(bench.size(500, PAUSE_MS));
      const costs = await stage.measure(async () => {
        lastMs = Math.max(lastMs, await makeGap(stage));
      });
      reads += costs.pageReads;
    }
    const { byCall } = await fleet.calls();
    record("gapReads", reads / gaps);
    record("gapCalls", (byCall["read"]?.answered ?? 0) / gaps);
    record("gapLast", lastMs);
  },
};

/** Stores one event and publishes the next; resolves when every frontend has both, ms. */
async function makeGap(stage: Stage): Promise<number> {
  const topic = videoOf(1);
  const log = await stage.log();
  const entry = { topic, type: GROWTH_EVENT, at: Date.now(), data: toJsonText({ n: 0 }) };
  const [stored] = await log.append([entry]);
  if (stored === undefined) throw new Error("the log did not say where the event is");
  const { at, isAccepted } = await stage.publish(topic, true);
  if (!isAccepted) throw new Error("the event after the gap was not accepted");
  const from = performance.now();
  for (const seq = stored.place.seq + 1; ; await Bun.sleep(POLL_MS)) {
    const count = await stage.fleet.upTo(topic, seq);
    if (count === stage.frontends) return Date.now() - at;
    if (performance.now() - from > GIVEN_UP_MS)
      throw new Error(`${count} of ${stage.frontends} frontends have the missing event`);
  }
}
