/**
 * What personal topics cost a frontend, in one process and without sockets: memory per topic while
 * they are silent, while all of them speak and after it, and CPU per event.
 *
 *     sh ovation/bin/bun frontend/broadcast/channel.bench.ts \
 *       [--connections 5000] [--topics 50] [--events 300000]
 *
 * With sockets, the table and everything else: `npm run bench -- personal-topics`.
 */

import { heapStats } from "bun:jsc";
import { parseArgs } from "node:util";
import { type ByteWriter, type Topic, toJsonText } from "@ovation/protocol";
import { PLAIN } from "../connections/wire-form.ts";
import { admitted } from "../testing/admitted.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import type { Upstream } from "../upstream/upstream.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "5000" },
    topics: { type: "string", default: "50" },
    events: { type: "string", default: "300000" },
  },
});
const connections = Number(values.connections);
const topicsEach = Number(values.topics);
const topicCount = connections * topicsEach;
const eventCount = Number(values.events);

const CONNECTING_AT_ONCE = 64;
/** A batch of a link under load. */
const EVENTS_AT_ONCE = 100;
const SETTLE_MS = 2000;

/**
 * Answers as dispatchers do that have no event yet, through JSON: what is parsed is garbage of its
 * own.
 */
const upstream: Upstream = {
  async change(changes) {
    return JSON.parse(
      JSON.stringify(changes.map(({ topic }) => ({ topic, seq: 0, epoch: "", first: 1 }))),
    );
  },
  report: async () => ({ viewers: [], heads: [], stamp: 1 }),
  read: async (topic) => ({ events: [], head: { topic, seq: 0, epoch: "", first: 1 } }),
  wrote: async () => "unknown",
  reached: async () => true,
  headAt: async (topic) => ({ topic, seq: 0, epoch: "", first: 1 }),
  changeConnection: async () => ({ ok: false, error: "unknown-connection" }),
  renew: async () => "lease",
  present: async () => {},
  release: async () => {},
};
/** As a viewer over HTTP/1.1: chunks. */
const writer: ByteWriter = {
  isChunked: true,
  write: (bytes) => bytes.length,
  end() {},
  cut() {},
};

const frontend = newFrontend(upstream, {
  name: "bench",
  onFailure(what, error) {
    console.error(what, error);
  },
});
frontend.start();

interface Weight {
  readonly rss: number;
  readonly heap: number;
}

function weigh(): Weight {
  return { rss: process.memoryUsage.rss(), heap: heapStats().heapSize };
}

function weighCollected(): Weight {
  Bun.gc(true);
  return weigh();
}

function show(what: string, { rss, heap }: Weight): void {
  const perTopic = (bytes: number, since: number) =>
    `${((bytes - since) / topicCount).toFixed(0).padStart(5)} B`;
  console.log(
    `${what.padEnd(44)} RSS ${perTopic(rss, empty.rss)}   heap ${perTopic(heap, empty.heap)}`,
  );
}

await Bun.sleep(SETTLE_MS);
const empty = weighCollected();
console.log(
  `${topicCount.toLocaleString("en")} topics on ${connections.toLocaleString("en")} connections; ` +
    "per topic, with its share of them:",
);
for (let first = 0; first < connections; first += CONNECTING_AT_ONCE) {
  const opening: Promise<void>[] = [];
  for (let index = first; index < Math.min(connections, first + CONNECTING_AT_ONCE); index++) {
    // From a URL, as they come: each a text of its own.
    const names = Array.from(
      { length: topicsEach },
      (_, number) => `topic=member:p${index * topicsEach + number}`,
    );
    const topics = new URL(`http://localhost/v1/events?${names.join("&")}`).searchParams.getAll(
      "topic",
    ) as Topic[];
    const request = { topics, identity: undefined, position: undefined, form: PLAIN, address: "" };
    opening.push(frontend.open(admitted(frontend.admit(request)), writer, request));
  }
  await Promise.all(opening);
}
show("subscribed", weigh());
await Bun.sleep(SETTLE_MS);
show("… and collected", weighCollected());

const cpu = process.cpuUsage();
const batches = frontend.counters.batches;
for (let sent = 0; sent < eventCount; sent += EVENTS_AT_ONCE) {
  frontend.dispatch(
    Array.from({ length: EVENTS_AT_ONCE }, () => ({
      topic: `member:p${Math.floor(Math.random() * topicCount)}` as Topic,
      type: "ping",
      at: Date.now(),
      data: toJsonText({ due: performance.now() }),
    })),
  );
  await new Promise((resolve) => setImmediate(resolve));
}
const { user, system } = process.cpuUsage(cpu);
show(`after ${eventCount.toLocaleString("en")} events to random ones`, weigh());
await Bun.sleep(SETTLE_MS);
show("… and collected", weighCollected());
const made = frontend.counters.batches - batches;
console.log(
  `CPU per event: ${((user + system) / eventCount).toFixed(2)} µs ` +
    `(without links and sockets; ${made.toLocaleString("en")} batches)`,
);
process.exit(0);
