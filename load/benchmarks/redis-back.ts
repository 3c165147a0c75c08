/**
 * Redis is flushed, dies and restarts empty, or fails over: how long until all rows of two
 * frontends with 10,000 topics each are restored, and until every event is delivered again?
 */

import { freePort } from "../../testing/free-port.ts";
import { balance } from "../harness/balance.ts";
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import {
  type PublishedEvent,
  runFailoverPublishers,
  wallClock,
} from "../harness/failover-publishers.ts";
import {
  type RedisNode,
  redisNodes,
  startReplica,
  stopStarted,
  whenPromoted,
} from "../harness/redis-nodes.ts";
import { type BenchStream, openStream } from "../harness/stream.ts";
import { openWitness, whenQuiet } from "../harness/witness.ts";
import { count } from "../report.ts";

/** So 200 connections: within what `fetch` keeps open. */
const TOPICS_PER_CONNECTION = 100;
const CONNECTING_AT_ONCE = 16;
const BACK_SECONDS_MAX = 2;
const AWAY_MS = 3000;
const FLUSHES = 6;
/** No further event: longer than the repair of a lost last event takes. */
const QUIET_MS = 2500;
const POLL_MS = 50;
const GIVEN_UP_SECONDS = 30;
const ROWS_PATTERN = "o:t:video:row-*";
/** The key whose node is the worst to lose: without it no row counts. */
const LEASES_KEY = "o:{frontends}:leases";
/** Published throughout, to viewers at both frontends; one event in seven is durable. */
const TOPICS = Array.from({ length: 16 }, (_, index) => `video:meanwhile-${index}`);
const PUBLISHING = { topics: TOPICS, clients: 16, rate: 400, seconds: 16, durableEvery: 7 };

const benchmark: Benchmark = {
  name: "redis-back",
  about:
    "Redis is emptied, killed and back empty, or fails over, under two frontends with " +
    "10,000 topics each: seconds until all is served again",
  async run(bench) {
    const rows = 2 * bench.size(2000, 10_000);
    await withRows(bench, "single", rows, async (cluster, [redis]) => {
      if (redis === undefined) throw new Error("the cluster has no Redis");
      await measure(bench, cluster, rows, `FLUSHALL, ${FLUSHES} times`, async () => {
        const faults: Fault[] = [];
        for (let time = 0; time < FLUSHES; time++) {
          // Each time at another moment between two renewals of the leases.
          await Bun.sleep(Math.random() * 1000);
          await redis.send("FLUSHALL");
          faults.push({ backAt: wallClock(), rowsSeconds: await secondsUntilRows([redis], rows) });
        }
        return faults;
      });
      await measure(
        bench,
        cluster,
        rows,
        `killed, back empty after ${AWAY_MS / 1000} s`,
        async () => {
          await redis.kill();
          await Bun.sleep(AWAY_MS);
          await redis.restart();
          return [{ backAt: wallClock(), rowsSeconds: await secondsUntilRows([redis], rows) }];
        },
      );
    });
    await withRows(bench, "cluster", rows, async (cluster, nodes) => {
      const master = await holderOf(LEASES_KEY, nodes);
      const replica = await startReplica(master, await freePort());
      await measure(
        bench,
        cluster,
        rows,
        "a Redis Cluster's master killed, its replica takes over",
        async () => {
          await master.kill();
          await whenPromoted(replica);
          const left = [...nodes.filter((node) => node !== master), replica];
          return [{ backAt: wallClock(), rowsSeconds: await secondsUntilRows(left, rows) }];
        },
      );
    });
  },
};

interface Fault {
  /** When the store was reachable again, ms since 1970. */
  readonly backAt: number;
  /** … and the time from then until all rows were restored. */
  readonly rowsSeconds: number;
}

async function withRows(
  bench: Bench,
  redis: "single" | "cluster",
  rows: number,
  run: (cluster: BenchCluster, nodes: readonly RedisNode[]) => Promise<void>,
): Promise<void> {
  const cluster = await bench.cluster({ frontends: 2, dispatchers: 2, redis, logLevel: "error" });
  const nodes = redisNodes(cluster.redis("east"));
  const streams = await subscribe(cluster, rows / 2);
  try {
    await secondsUntilRows(nodes, rows);
    await run(cluster, nodes);
    const ended = streams.filter((stream) => stream.ended).length;
    bench.figure({
      what: "streams that ended meanwhile",
      value: `${ended} of ${count(streams.length)}`,
      target: "0",
      ok: ended === 0,
    });
  } finally {
    for (const stream of streams) stream.close();
    stopStarted();
    await cluster.stop();
  }
}

/**
 * Each frontend has its own topics, so that a row is missing where one frontend has not restored
 * it.
 */
async function subscribe(
  cluster: BenchCluster,
  perFrontend: number,
): Promise<readonly BenchStream[]> {
  const streams: BenchStream[] = [];
  const connections = cluster.of("frontend").flatMap(({ url }, frontend) =>
    Array.from({ length: perFrontend / TOPICS_PER_CONNECTION }, (_, connection) => ({
      url,
      topics: Array.from(
        { length: TOPICS_PER_CONNECTION },
        (_, topic) => `video:row-${frontend}-${connection}-${topic}`,
      ),
    })),
  );
  const openSome = async () => {
    for (let next = connections.pop(); next !== undefined; next = connections.pop()) {
      streams.push(await openStream(next.url, next.topics, () => undefined));
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, openSome));
  return streams;
}

async function secondsUntilRows(nodes: readonly RedisNode[], rows: number): Promise<number> {
  const from = performance.now();
  const elapsed = () => (performance.now() - from) / 1000;
  const countRows = async () => {
    const counts = await Promise.all(
      nodes.map((node) =>
        node.send("EVAL", "return #redis.call('KEYS', ARGV[1])", "0", ROWS_PATTERN),
      ),
    );
    return counts.reduce<number>((sum, found) => sum + Number(found), 0);
  };
  while ((await countRows()) < rows) {
    if (elapsed() > GIVEN_UP_SECONDS) return Number.POSITIVE_INFINITY;
    await Bun.sleep(POLL_MS);
  }
  return elapsed();
}

async function holderOf(key: string, nodes: readonly RedisNode[]): Promise<RedisNode> {
  for (const node of nodes) if ((await node.send("EXISTS", key).catch(() => 0)) === 1) return node;
  throw new Error(`no node has ${key}`);
}

async function measure(
  bench: Bench,
  cluster: BenchCluster,
  rows: number,
  what: string,
  fault: () => Promise<readonly Fault[]>,
): Promise<void> {
  const witnesses = await Promise.all(
    cluster.of("frontend").map(({ url }) => openWitness(url, TOPICS)),
  );
  const publishing = runFailoverPublishers({
    urls: cluster.of("dispatcher").map(({ url }) => url),
    token: cluster.token,
    ...PUBLISHING,
  });
  // Until the publishers' process has started.
  await Bun.sleep(1000);
  const faults = await fault();
  const published = await publishing;
  await whenQuiet(witnesses, QUIET_MS);
  for (const witness of witnesses) witness.close();
  const { durable, live } = balance(published, witnesses);
  const unserved = [
    ...live.lost,
    ...published.filter((event) => !event.durable && event.outcome !== "acknowledged"),
  ];
  const rowsSeconds = Math.max(...faults.map((one) => one.rowsSeconds));
  const servedSeconds = Math.max(0, ...unserved.map((event) => secondsAfter(faults, event)));
  bench.figure({
    what: `${what}: all ${count(rows)} rows are there`,
    value: `${rowsSeconds.toFixed(2)} s after its return`,
    target: `${BACK_SECONDS_MAX} s`,
    ok: rowsSeconds <= BACK_SECONDS_MAX,
  });
  bench.figure({
    what: `${what}: every live event is served`,
    value:
      `${servedSeconds.toFixed(2)} s after its return; until then refused ` +
      `${count(live.refused)}, without a subscriber ${count(live.lost.length)} of ` +
      `${count(live.acknowledged)}`,
    target: `${BACK_SECONDS_MAX} s`,
    ok: servedSeconds <= BACK_SECONDS_MAX,
  });
  const wrong =
    durable.lost.length + durable.twice + durable.disordered + durable.unanswered + durable.refused;
  bench.figure({
    what: `${what}: durable events lost, twice, out of order or refused, all the while`,
    value: `${count(wrong)} of ${count(durable.acknowledged)}`,
    target: "0",
    ok: wrong === 0,
  });
}

/**
 * Since the store's last return before the event; nothing where the event came during the outage.
 */
function secondsAfter(faults: readonly Fault[], { endedAt }: PublishedEvent): number {
  const before = faults.filter(({ backAt }) => backAt <= endedAt).at(-1);
  return before === undefined ? 0 : (endedAt - before.backAt) / 1000;
}

export default benchmark;
