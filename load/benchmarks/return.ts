/**
 * Many viewers return to one video at once, each 500 comments behind: how long until they have
 * caught up, and how many reads of the log does it take?
 */
import type { Benchmark } from "../harness/benchmark.ts";
import { readMetrics } from "../harness/metrics.ts";
import { runReturningViewers } from "../harness/returning-viewers.ts";
import { count } from "../report.ts";

const BEHIND = 500;
const TOPIC = "video:return";
const WITHIN_MS = 10_000;
const PROCESSES = 2;
const READS_TARGET = 20;
/** Longer than the target, so that a run that misses it says by how much. */
const PATIENCE_MS = 40_000;

const benchmark: Benchmark = {
  name: "return",
  about:
    "20,000 viewers return at once to one video, each 500 comments behind: caught up " +
    "within 10 s, fewer than 20 log reads",
  async run(bench) {
    // Two workers and two processes of viewers: most machines do not allow one process 20,000
    // descriptors.
    const server = await bench.ovation({ workers: PROCESSES, flags: ["--zstd", "off"] });
    const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const publish = async (events: number) => {
      const body = JSON.stringify(
        Array.from({ length: events }, (_, number) => ({
          topic: TOPIC,
          type: "comment",
          durable: true,
          data: {
            text: `comment ${number}, about as long as most of them are`,
            author: { id: "m1", name: "Ana", role: "member" },
          },
        })),
      );
      const answer = await fetch(`${server.url}/v1/publish`, { method: "POST", headers, body });
      const { seqs } = (await answer.json()) as { readonly seqs: readonly number[] };
      return seqs.at(-1) ?? 0;
    };
    await publish(1);
    const before = await positionAt(server.url);
    const head = await publish(BEHIND);
    // The frontend that they return to did not broadcast these: they have to come from the log.
    await Bun.sleep(1500);
    const viewers = bench.size(1000, 20_000);
    const metrics = await readMetrics([server.url]);
    const path = `/v1/events?topic=${TOPIC}&last_event_id=${encodeURIComponent(before)}`;
    const task = {
      url: server.url,
      path,
      viewers: viewers / PROCESSES,
      last: `"seq":${head},`,
      withinMs: PATIENCE_MS,
    };
    const results = await Promise.all(
      Array.from({ length: PROCESSES }, (_, process) => runReturningViewers({ ...task, process })),
    );
    const result = {
      whole: results.reduce((sum, { whole }) => sum + whole, 0),
      wholeMs: Math.max(...results.map(({ wholeMs }) => wholeMs)),
      bytes: results.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    const after = await readMetrics([server.url]);
    const reads =
      after("ovation_frontend_recovery_reads_total") -
      metrics("ovation_frontend_recovery_reads_total");
    bench.figure({
      what: `${count(viewers)} viewers, ${BEHIND} behind`,
      value:
        `${count(result.whole)} caught up after ${(result.wholeMs / 1000).toFixed(1)} ` +
        `s, ${count(result.bytes / 2 ** 20)} MB`,
      target: `all within ${WITHIN_MS / 1000} s`,
      ok: result.whole === viewers && result.wholeMs <= WITHIN_MS,
    });
    bench.figure({
      what: "reads of the log",
      value: count(reads),
      target: `< ${READS_TARGET}`,
      ok: reads < READS_TARGET,
    });
    const recovered =
      after("ovation_frontend_recovered_events_total") -
      metrics("ovation_frontend_recovered_events_total");
    bench.figure({
      what: "events recovered",
      value: count(recovered),
      target: count(viewers * BEHIND),
      ok: recovered === viewers * BEHIND,
    });
  },
};

/**
 * The id of a connection's first event: a position at the head. No viewer is connected afterwards.
 */
async function positionAt(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/events?topic=${TOPIC}`);
  const reader = response.body?.getReader();
  const text = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const id = /^id: (.*)$/m.exec(text)?.[1];
  if (id === undefined) throw new Error("the first event has no id");
  return id;
}

export default benchmark;
