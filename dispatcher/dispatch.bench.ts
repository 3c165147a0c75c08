/**
 * One dispatcher from publish to four frontends: lookups in a private Redis (or `--cluster`), links over
 * sockets to frontends in another process. Without HTTP in front: what the dispatcher itself does.
 *
 *     sh ovation/bin/bun dispatcher/dispatch.bench.ts [--seconds 3] [--topics 1000] [--cluster] [--personal]
 *
 * `--personal`: each topic has one frontend, as `member:` topics do; otherwise every topic has all four.
 */

import { parseArgs } from "node:util";
import { type Event, parseFrontendId, toJsonText, topicOf } from "@ovation/protocol";
import { createRedisTable, openRedisStore } from "@ovation/table";
import { startRedis, startRedisCluster } from "../table/testing/redis.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";
import { startInternalFrontend } from "./testing/internal-frontend.ts";

const FRONTENDS = 4;
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    topics: { type: "string", default: "1000" },
    cluster: { type: "boolean", default: false },
    personal: { type: "boolean", default: false },
    frontends: { type: "boolean", default: false },
  },
});

if (values.frontends) {
  const frontends = Array.from({ length: FRONTENDS }, () => startInternalFrontend());
  // What arrived is counted by the receivers; kept, it would only measure the memory.
  setInterval(() => {
    for (const { received } of frontends) received.length = 0;
  }, 20);
  process.on("SIGTERM", () => {
    const used = process.cpuUsage();
    const events = frontends.reduce((sum, { receiver }) => sum + receiver.stats().events, 0);
    process.stdout.write(`${JSON.stringify({ micros: used.user + used.system, events })}\n`);
    process.exit(0);
  });
  process.stdout.write(`${JSON.stringify(frontends.map(({ credential, listener }) => ({ id: credential.id, url: listener.url })))}\n`);
} else {
  for (const batch of [1, 10, 100]) await bench(batch);
  process.exit(0);
}

async function bench(batch: number): Promise<void> {
  const redis = await (values.cluster ? startRedisCluster() : startRedis());
  const store = openRedisStore({ url: redis.url });
  while (
    await store.ping().then(
      () => false,
      () => true,
    )
  )
    await Bun.sleep(20);
  const table = createRedisTable({ store });
  const child = Bun.spawn([process.execPath, import.meta.path, "--frontends"], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const addresses = JSON.parse(new TextDecoder().decode((await reader.read()).value)) as { id: string; url: string }[];
  const topics = Array.from({ length: Number(values.topics) }, (_, index) => topicOf("video", String(index)));
  for (const [index, { id, url }] of addresses.entries()) {
    const frontend = { id: parseFrontendId(id) ?? parseFrontendId("unknown0")!, url };
    await table.renew(frontend, 600_000);
    const mine = values.personal ? topics.filter((_, at) => at % FRONTENDS === index) : topics;
    await table.change(
      frontend.id,
      mine.map((topic) => ({ topic, subscribed: true, generation: 1 })),
    );
  }
  const { dispatcher, links, stop } = startInternalDispatcher({ ...testStores(), table });
  const data = toJsonText({ text: "a comment of some length, as they are", author: { id: "u1", name: "Ana" } });
  let number = 0;
  const next = (): Event => ({ topic: topics[number++ % topics.length]!, type: "goal", at: number, data });
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
  child.kill("SIGTERM");
  const received = JSON.parse(new TextDecoder().decode((await reader.read()).value)) as { micros: number; events: number };
  latencies.sort((left, right) => left - right);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(1);
  console.log(
    `published ${batch} at a time: ${Math.round(published / elapsed).toLocaleString("en")} events/s, ${Math.round(received.events / elapsed).toLocaleString("en")} dispatched/s; looked up and on their way p50 ${at(0.5)} p99 ${at(0.99)} ms; CPU per event: dispatcher ${((used.user + used.system) / published).toFixed(1)} µs, frontend ${(received.micros / received.events).toFixed(1)} µs; taken ${sent.toLocaleString("en")}, dropped ${droppedFull.toLocaleString("en")}`,
  );
  await stop();
  await table.close();
  await store.close();
  await redis.stop();
}
