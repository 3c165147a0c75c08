/**
 * Viewer counts over two data centres while nodes die and the link between them is cut: for how
 * long is a wrong number shown, to viewers at every frontend and by every comments process?
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { ClusterNode } from "../harness/cluster.ts";
import { type CountSource, type CountWatch, watchCounts } from "../harness/count-watch.ts";
import { redisNodes, stopStarted } from "../harness/redis-nodes.ts";
import { openStream } from "../harness/stream.ts";
import { count } from "../report.ts";

const VIDEO = "counted";
const RIGHT_SECONDS_MAX = 10;
/** After a death: longer than every number in the stores lives. */
const WATCHED_MS = 15_000;
const SETTLED_SECONDS_MAX = 30;
const AWAY_MS = 1000;

const benchmark: Benchmark = {
  name: "viewer-counts",
  about:
    "viewer counts over two data centres while Redis, a comments process, a " +
    "dispatcher, the link and a frontend die: seconds until all are right",
  async run(bench) {
    const cluster = await bench.cluster({
      datacenters: 2,
      dispatchers: 2,
      frontends: 2,
      comments: 2,
      logLevel: "error",
    });
    const of = (role: string) => [...cluster.of(role, "east"), ...cluster.of(role, "west")];
    const sources: CountSource[] = [
      ...of("frontend").map(({ name, url }) => ({ name, url, kind: "frontend" as const })),
      ...of("comments").map(({ name, url }) => ({ name, url, kind: "comments" as const })),
    ];
    // The watch has its own viewer at each frontend.
    const perFrontend = bench.size(5, 25);
    const streams = await Promise.all(
      of("frontend").flatMap(({ url }) =>
        Array.from({ length: perFrontend - 1 }, () =>
          openStream(url, [`video:${VIDEO}`], () => undefined),
        ),
      ),
    );
    const watch = await watchCounts(VIDEO, sources);
    const allViewers = perFrontend * of("frontend").length;
    const [redis] = redisNodes(cluster.redis("east"));
    try {
      await settle(watch, allViewers);
      await measure(
        bench,
        watch,
        `Redis killed, back empty after ${AWAY_MS / 1000} s`,
        allViewers,
        async () => {
          await redis?.kill();
          await Bun.sleep(AWAY_MS);
          await redis?.restart();
        },
      );
      await measure(bench, watch, "a comments process killed", allViewers, async () =>
        kill(watch, cluster.of("comments")[0]),
      );
      await measure(bench, watch, "a dispatcher killed", allViewers, async () =>
        kill(watch, cluster.of("dispatcher")[0]),
      );
      // Each data centre counts its own then, and all again after the link heals.
      await measure(bench, watch, "the link between the data centres cut", allViewers / 2, () =>
        cluster.command("cut"),
      );
      await measure(bench, watch, "the link healed", allViewers, () => cluster.command("heal"));
      const left = allViewers - perFrontend;
      await measure(bench, watch, "a frontend killed, with its viewers", left, async () =>
        kill(watch, cluster.of("frontend")[1]),
      );
    } finally {
      watch.close();
      for (const stream of streams) stream.close();
      stopStarted();
    }
  },
};

function kill(watch: CountWatch, node: ClusterNode | undefined): void {
  if (node === undefined) throw new Error("the cluster has no such process");
  watch.forget(node.name);
  process.kill(node.pid, "SIGKILL");
}

async function settle(watch: CountWatch, truth: number): Promise<void> {
  const until = performance.now() + SETTLED_SECONDS_MAX * 1000;
  while (!watch.all(truth)) {
    if (performance.now() > until)
      throw new Error(`no source counts ${truth}: ${JSON.stringify(watch.histories)}`);
    await Bun.sleep(100);
  }
}

async function measure(
  bench: Bench,
  watch: CountWatch,
  what: string,
  truth: number,
  death: () => Promise<unknown>,
): Promise<void> {
  const from = performance.now();
  await death();
  await Bun.sleep(WATCHED_MS);
  const verdicts = watch.histories.map((history) => history.since(from, truth));
  const seconds = Math.max(...verdicts.map(({ wrongUntilMs }) => wrongUntilMs)) / 1000;
  const [least, most] = [
    Math.min(...verdicts.map((one) => one.least)),
    Math.max(...verdicts.map((one) => one.most)),
  ];
  bench.figure({
    what,
    value:
      `right everywhere after ${seconds.toFixed(1)} s; of ${count(truth)} viewers ` +
      `${count(least)} to ${count(most)} were shown`,
    target: `${RIGHT_SECONDS_MAX} s`,
    ok: seconds <= RIGHT_SECONDS_MAX,
  });
}

export default benchmark;
