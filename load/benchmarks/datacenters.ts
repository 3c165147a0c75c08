/** From one data centre to a viewer in another one, 80 ms round trip apart. */
import type { Benchmark } from "../harness/benchmark.ts";
import { openStream, percentile } from "../harness/stream.ts";
import { ms } from "../report.ts";

const ONE_WAY_MS = 40;
const ADDED_MS_MAX = 15;
const EVERY_MS = 20;
const TOPIC = "video:far";

const benchmark: Benchmark = {
  name: "datacenters",
  about: "publish in A → viewer in B, 80 ms round trip: one-way latency and the overhead on top",
  async run(bench) {
    const cluster = await bench.cluster({
      datacenters: 2,
      dispatchers: 2,
      frontends: 1,
      comments: 1,
      delayMs: ONE_WAY_MS,
    });
    const [there] = cluster.of("frontend", "west");
    const [here] = cluster.of("frontend", "east");
    const dispatchers = cluster.of("dispatcher", "east");
    if (there === undefined || here === undefined) throw new Error("the cluster lacks a frontend");
    const sentAt = new Map<string, number>();
    const far: number[] = [];
    const near: number[] = [];
    const take = (delays: number[]) => (message: { readonly data: string }) => {
      const sent = sentAt.get(/"(k[0-9]+)"/.exec(message.data)?.[1] ?? "");
      if (sent !== undefined) delays.push(performance.now() - sent);
    };
    const streams = [
      await openStream(there.url, [TOPIC], take(far)),
      await openStream(here.url, [TOPIC], take(near)),
    ];
    const headers = {
      authorization: `Bearer ${cluster.token}`,
      "content-type": "application/json",
    };
    const events = bench.size(100, 1000);
    for (let number = 0; number < events; number++) {
      const key = `k${number}`;
      const body = JSON.stringify({ topic: TOPIC, type: "goal", data: { id: key } });
      sentAt.set(key, performance.now());
      const url = `${dispatchers[number % dispatchers.length]?.url}/v1/publish`;
      await Promise.all([
        fetch(url, { method: "POST", headers, body }).then((answer) => answer.arrayBuffer()),
        Bun.sleep(EVERY_MS),
      ]);
      if (number === events / 10) far.length = near.length = 0;
    }
    await Bun.sleep(500);
    for (const stream of streams) stream.close();
    const added = percentile(far, 0.9) - ONE_WAY_MS;
    bench.figure({
      what: "publish in A → viewer in B, p90",
      value: `${ms(percentile(far, 0.9))}: one way and ${ms(added)}`,
      against: `viewer in A ${ms(percentile(near, 0.9))}`,
      target: `one way (${ONE_WAY_MS} ms) + at most ${ADDED_MS_MAX} ms`,
      ok: added <= ADDED_MS_MAX,
    });
    const missing = events - events / 10 - 1 - far.length;
    bench.figure({
      what: "not delivered",
      value: String(Math.max(0, missing)),
      target: "0",
      ok: missing <= 0,
    });
  },
};

export default benchmark;
