/** Live events of topics that one frontend has. */

import { rowOf } from "../fakes.ts";
import type { PublishedNumber } from "../stage.ts";
import type { Part } from "./part.ts";

const STEP_MS = 10;
const ARRIVE_MS = 1000;
const KILOBYTE = 1000;
/** Events: with 4 each, 1 link in 50 is still closed. */
const WARM_UP_PER_LINK = 4;

export const oneRow: Part = {
  name: "one-row",
  isQuiet: true,
  async run(stage, record) {
    const { bench, fleet, frontends, options } = stage;
    const [perSecond, seconds] = [bench.size(100, 300), bench.size(1, 5)];
    const publishOne = () =>
      stage.publish(rowOf(pick(frontends), options.rows === 0 ? 0 : pick(options.rows)));
    // Until links are open and the path is compiled. An event that waits for its link is dropped
    // where a viewer is admitted meanwhile.
    const links = frontends * options.dispatchers;
    const warmUpSeconds = Math.max(bench.size(0.5, 2), (WARM_UP_PER_LINK * links) / perSecond);
    await publishPaced(perSecond, warmUpSeconds, publishOne);
    await Bun.sleep(ARRIVE_MS);
    await fleet.arrivals();
    const messagesBefore = await fleet.messages();
    let published: readonly PublishedNumber[] = [];
    const costs = await stage.measureAlone(seconds, async () => {
      published = await publishPaced(perSecond, seconds, publishOne);
    });
    await Bun.sleep(ARRIVE_MS);
    const messages = (await fleet.messages()) - messagesBefore;
    const arrivals = await fleet.arrivals();
    const each = (total: number) => total / published.length;
    record("oneRedis", each(costs.redisCpuSeconds) * 1_000_000);
    record("oneCommands", each(costs.redisCommands));
    record("oneBytes", each(costs.redisBytes) / KILOBYTE);
    record("oneDispatchers", each(costs.dispatcherCpuSeconds) * 1_000_000);
    record("oneMessages", each(messages));
    record("oneLost", published.filter(({ number }) => !arrivals.has(number)).length);
  },
};

/** On a fixed schedule, whatever the answers take. */
async function publishPaced(
  perSecond: number,
  seconds: number,
  publish: () => Promise<PublishedNumber>,
): Promise<readonly PublishedNumber[]> {
  const all: Promise<PublishedNumber>[] = [];
  const from = performance.now();
  for (const total = perSecond * seconds; all.length < total; await Bun.sleep(STEP_MS)) {
    const due = Math.min(total, ((performance.now() - from) * perSecond) / 1000);
    while (all.length < due) all.push(publish());
  }
  return Promise.all(all);
}

function pick(count: number): number {
  return Math.floor(Math.random() * count);
}
