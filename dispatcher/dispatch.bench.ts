/**
 * One dispatcher from publish to four frontends: lookups in a private Redis (or `--cluster`), links
 * over sockets to frontends in another process. Without HTTP in front: what the dispatcher itself
 * does.
 *
 *     sh ovation/bin/bun dispatcher/dispatch.bench.ts [--seconds 3] [--topics 1000] [--cluster]
 *         [--personal]
 *
 * `--personal`: each topic has one frontend, as `member:` topics do; otherwise every topic has all
 * four.
 */

import { parseArgs } from "node:util";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { startBenchFrontends } from "./testing/bench-frontends.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    topics: { type: "string", default: "1000" },
    cluster: { type: "boolean", default: false },
    personal: { type: "boolean", default: false },
  },
});

for (const batch of [1, 10, 100]) await bench(batch);
process.exit(0);

async function bench(batch: number): Promise<void> {
  const topics = Array.from({ length: Number(values.topics) }, (_, index) =>
    topicOf("video", String(index)),
  );
  const frontends = await startBenchFrontends({
    topics,
    cluster: values.cluster,
    personal: values.personal,
  });
  const { dispatcher, links, stop } = startInternalDispatcher({
    ...testStores(),
    table: frontends.table,
  });
  const data = toJsonText({
    text: "a comment of some length, as they are",
    author: { id: "u1", name: "Ana" },
  });
  let number = 0;
  const next = (): Event => ({
    topic: topics[number++ % topics.length]!,
    type: "goal",
    at: number,
    data,
  });
  await dispatcher.publish([next()]);
  await Bun.sleep(300);

  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let published = 0;
  await Promise.all(
    Array.from({ length: batch === 1 ? 256 : 16 }, async () => {
      while (performance.now() - start < Number(values.seconds) * 1000) {
        const began = performance.now();
        await dispatcher.publish(Array.from({ length: batch }, next));
        latencies.push(performance.now() - began);
        published += batch;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  while (links.stats().waiting > 0) await Bun.sleep(10);
  await Bun.sleep(200);
  const { droppedFull, sent } = links.stats();
  const received = await frontends.stop();
  latencies.sort((left, right) => left - right);
  const whole = (value: number) => Math.round(value).toLocaleString("en");
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(1);
  console.log(
    `published ${batch} at a time: ${whole(published / elapsed)} events/s, ` +
      `${whole(received.events / elapsed)} dispatched/s; ` +
      `looked up and in flight p50 ${at(0.5)} p99 ${at(0.99)} ms; CPU per event: ` +
      `dispatcher ${((used.user + used.system) / published).toFixed(1)} µs, ` +
      `frontend ${(received.micros / received.events).toFixed(1)} µs; ` +
      `taken ${whole(sent)}, dropped ${whole(droppedFull)}`,
  );
  await stop();
}
