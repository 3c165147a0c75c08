/**
 * The added latency of the durable lane: post → viewer, comments against live events, alternating
 * on the same process.
 */
import type { Benchmark } from "../harness/benchmark.ts";
import { openStream, percentile } from "../harness/stream.ts";
import { ms } from "../report.ts";

const EVERY_MS = 5;
const TOPIC = "video:delay";

const benchmark: Benchmark = {
  name: "durable-delay",
  about:
    "added delay of the durable lane over the live lane, post → viewer, one process, " +
    "200 events a second",
  async run(bench) {
    const server = await bench.ovation();
    const sentAt = new Map<string, number>();
    const delays: Record<"live" | "durable", number[]> = { live: [], durable: [] };
    const stream = await openStream(server.url, [TOPIC], ({ data }) => {
      const [, key = "", lane] = /"(([ld])[0-9]+)"/.exec(data) ?? [];
      const sent = sentAt.get(key);
      if (sent === undefined) return;
      sentAt.delete(key);
      delays[lane === "l" ? "live" : "durable"].push(performance.now() - sent);
    });
    const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const publish = async (key: string, durable: boolean) => {
      const body = JSON.stringify({ topic: TOPIC, type: "goal", durable, data: { id: key } });
      sentAt.set(key, performance.now());
      await (
        await fetch(`${server.url}/v1/publish`, { method: "POST", headers, body })
      ).arrayBuffer();
    };
    const events = bench.size(200, 4000);
    for (let number = 0; number < events; number++) {
      const durable = number % 2 === 0;
      await Promise.all([publish(`${durable ? "d" : "l"}${number}`, durable), Bun.sleep(EVERY_MS)]);
      if (number === events / 10) for (const all of Object.values(delays)) all.length = 0;
    }
    await Bun.sleep(500);
    stream.close();
    const at = (share: number) =>
      percentile(delays.durable, share) - percentile(delays.live, share);
    const shown = (values: readonly number[]) =>
      `p50 ${ms(percentile(values, 0.5))}, p99 ${ms(percentile(values, 0.99))}`;
    bench.figure({
      what: "added by the durable lane",
      value: `p50 ${ms(at(0.5))}, p99 ${ms(at(0.99))}`,
      against: `live ${shown(delays.live)}; durable ${shown(delays.durable)}`,
      target: "p50 < 3 ms, p99 < 20 ms",
      ok: at(0.5) < 3 && at(0.99) < 20,
    });
    bench.figure({
      what: "not delivered",
      value: String(sentAt.size),
      target: "0",
      ok: sentAt.size === 0,
    });
  },
};

export default benchmark;
