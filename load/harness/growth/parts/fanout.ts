/** Live events of a topic that all frontends have, one at a time. */

import { videoOf } from "../fakes.ts";
import type { PublishedNumber } from "../stage.ts";
import { type Part, quantile } from "./part.ts";

const EVENTS_MAX = 300;
const GAP_MS_MIN = 10;
/** Twice what the receivers, all on this machine, take for one event. */
const GAP_MS_PER_FRONTEND = 0.3;
const SECONDS = 8;
const ARRIVE_MS = 2000;
const KILOBYTE = 1000;

export const fanout: Part = {
  name: "fanout",
  isQuiet: true,
  async run(stage, record) {
    const { bench, fleet, frontends } = stage;
    const gapMs = Math.max(GAP_MS_MIN, frontends * GAP_MS_PER_FRONTEND);
    const seconds = bench.size(1, SECONDS);
    const events = Math.min(EVENTS_MAX, Math.ceil((seconds * 1000) / gapMs));
    const publishSome = async (count: number) => {
      const published: PublishedNumber[] = [];
      for (let number = 0; number < count; number++) {
        published.push(await stage.publish(videoOf(0)));
        await Bun.sleep(gapMs);
      }
      return published;
    };
    // Every dispatcher opens its links.
    await publishSome(bench.size(4, 12));
    await Bun.sleep(ARRIVE_MS);
    await fleet.arrivals();
    const messagesBefore = await fleet.messages();
    let published: readonly PublishedNumber[] = [];
    const costs = await stage.measureAlone(seconds, async () => {
      published = await publishSome(events);
    });
    await Bun.sleep(ARRIVE_MS);
    const messages = (await fleet.messages()) - messagesBefore;
    const arrivals = await fleet.arrivals();
    const copies = published.map(({ number }) => arrivals.get(number)?.count ?? 0);
    const lastMs = published.map(
      ({ number, at }) => (arrivals.get(number)?.lastAt ?? Infinity) - at,
    );
    record("allRedis", (costs.redisCpuSeconds / events) * 1_000_000);
    record("allBytes", costs.redisBytes / events / KILOBYTE);
    record("allDispatchers", (costs.dispatcherCpuSeconds / events) * 1000);
    record("allMessages", messages / events);
    record("allLast", quantile(lastMs, 0.5));
    record("allSlowest", Math.max(...lastMs));
    record("allReceivers", (costs.fakesCpuSeconds / events) * 1000);
    record("allLost", events * frontends - copies.reduce((sum, one) => sum + one, 0));
  },
};
