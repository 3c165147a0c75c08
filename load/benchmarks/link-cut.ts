/**
 * The link between two data centres drops all packets for half a minute, while comments are posted
 * in both.
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { readMetrics } from "../harness/metrics.ts";
import { type PostTask, runPostClients } from "../harness/post-clients.ts";
import { type BenchStream, openStream } from "../harness/stream.ts";
import { count } from "../report.ts";

const SIDES = ["east", "west"] as const;
const ONE_WAY_MS = 40;
const BEFORE_SECONDS = 3;
const AFTER_SECONDS = 8;
const LIVE_PER_SECOND = 50;
const WHOLE_SECONDS_MAX = 5;
const SETTLE_MS_MAX = 20_000;

type Side = (typeof SIDES)[number];

const commentsOf = (side: Side) => `link-cut-${side}`;
const liveOf = (side: Side) => `video:link-cut-live-${side}`;

interface Viewer {
  readonly side: Side;
  /** The newest comment of each data centre's video. */
  readonly heads: Record<Side, number>;
  /** Live events of each. */
  readonly live: Record<Side, number>;
  /** Comments out of order or duplicated. */
  disordered: number;
  /** Comments that were skipped. */
  missed: number;
}

const benchmark: Benchmark = {
  name: "link-cut",
  about:
    "the link between two data centres is silent for 30 s: each serves its own, then " +
    "every comment is everywhere, in order, within 5 s",
  async run(bench) {
    const cluster = await bench.cluster({
      datacenters: 2,
      dispatchers: 2,
      frontends: 1,
      comments: 1,
      delayMs: ONE_WAY_MS,
      logLevel: "error",
    });
    const cutSeconds = bench.size(8, 30);
    const seconds = BEFORE_SECONDS + cutSeconds + AFTER_SECONDS;
    const { viewers, streams } = await openViewers(cluster, bench.size(4, 20));
    const dispatchers = SIDES.flatMap((side) =>
      cluster.of("dispatcher", side).map(({ url }) => url),
    );
    const metrics = await readMetrics(dispatchers);
    const published = Promise.all(
      SIDES.map((side) => publish(cluster, side, seconds, bench.size(50, 200))),
    );

    await Bun.sleep(BEFORE_SECONDS * 1000);
    // No end is notified: packets are dropped, and connections stay open.
    for (const side of SIDES) await cluster.command(`half-cut ${side}`);
    const atCut = viewers.map(({ side, live }) => live[side]);
    await Bun.sleep(cutSeconds * 1000);
    const duringCut = viewers.map(({ side, live }, index) => live[side] - (atCut[index] ?? 0));
    const farAtHeal = viewers.map(({ side, live }) => live[other(side)]);
    const headsAtHeal = await readHeads(cluster);
    await cluster.command("heal");
    const healedAt = performance.now();
    const since = () => (performance.now() - healedAt) / 1000;
    const [wholeAfter, crossesAfter] = await Promise.all([
      until(() =>
        viewers.every(({ heads }) => SIDES.every((side) => heads[side] >= headsAtHeal[side])),
      ).then(since),
      until(() =>
        viewers.every(({ side, live }, index) => live[other(side)] > (farAtHeal[index] ?? 0)),
      ).then(since),
    ]);
    const sent = await published;
    const heads = await readHeads(cluster);
    await until(() =>
      viewers.every((viewer) => SIDES.every((side) => viewer.heads[side] >= heads[side])),
    );
    // The last live events are in flight.
    await until(() =>
      viewers.every(({ side, live }) => live[side] >= (sent[SIDES.indexOf(side)]?.live ?? 0)),
    );
    for (const stream of streams) stream.close();
    const after = await readMetrics(dispatchers);
    report(bench, {
      viewers,
      sent,
      heads,
      wholeAfter,
      crossesAfter,
      cutSeconds,
      duringCut: Math.min(...duringCut),
      expired:
        after("ovation_forward_expired_events_total") -
        metrics("ovation_forward_expired_events_total"),
    });
  },
};

interface Outcome {
  readonly viewers: readonly Viewer[];
  readonly sent: readonly {
    readonly comments: number;
    readonly live: number;
    readonly refused: number;
  }[];
  readonly heads: Readonly<Record<Side, number>>;
  readonly wholeAfter: number;
  readonly crossesAfter: number;
  readonly cutSeconds: number;
  /** The least number of local live events that each viewer received while the link was cut. */
  readonly duringCut: number;
  readonly expired: number;
}

function report(
  bench: Bench,
  { viewers, sent, heads, wholeAfter, crossesAfter, cutSeconds, duringCut, expired }: Outcome,
): void {
  const comments = sent.reduce((sum, each) => sum + each.comments, 0);
  const refused = sent.reduce((sum, each) => sum + each.refused, 0);
  const missed = sum(
    viewers,
    (viewer) => viewer.missed + sumOf((side) => heads[side] - viewer.heads[side]),
  );
  const disordered = sum(viewers, (viewer) => viewer.disordered);
  bench.figure({
    what: `comments in both data centres, the link silent for ${cutSeconds} s`,
    value:
      `${count(comments)}, refused ${refused}; missed by any of ${viewers.length} ` +
      `viewers ${missed}, twice or out of order ${disordered}`,
    target: "0",
    ok: refused + missed + disordered === 0 && comments === heads.east + heads.west,
  });
  bench.figure({
    what: "after healing the last viewer has every comment",
    value: `after ${wholeAfter.toFixed(2)} s`,
    target: `${WHOLE_SECONDS_MAX} s`,
    ok: wholeAfter <= WHOLE_SECONDS_MAX,
  });
  bench.figure({
    what: "after healing live events of the other data centre come again",
    value: `after ${crossesAfter.toFixed(2)} s, to the last viewer`,
    target: `${WHOLE_SECONDS_MAX} s`,
    ok: crossesAfter <= WHOLE_SECONDS_MAX,
  });
  const liveOfSide = (side: Side) => sent[SIDES.indexOf(side)]?.live ?? 0;
  const ownMissed = sum(viewers, ({ side, live }) => Math.abs(liveOfSide(side) - live[side]));
  bench.figure({
    what: "live events in their own data centre",
    value: `${count(duringCut)} to every viewer during the cut; missed, or twice: ${ownMissed}`,
    target: "0",
    ok: ownMissed === 0 && duringCut >= (LIVE_PER_SECOND * cutSeconds) / 2,
  });
  // All viewers of a side miss the same; the worst one is taken.
  const lost = sumOf((side) =>
    Math.max(
      ...viewers
        .filter((viewer) => viewer.side === other(side))
        .map(({ live }) => liveOfSide(side) - live[side]),
    ),
  );
  bench.figure({
    what: "live events lost to the other data centre",
    value: `${count(lost)}; counted as expired ${count(expired)}`,
    target: "none that is not counted",
    ok: lost <= expired,
  });
}

async function openViewers(
  cluster: BenchCluster,
  each: number,
): Promise<{ readonly viewers: readonly Viewer[]; readonly streams: readonly BenchStream[] }> {
  const viewers: Viewer[] = [];
  const streams: BenchStream[] = [];
  for (const side of SIDES) {
    const [frontend] = cluster.of("frontend", side);
    for (let index = 0; index < each; index++) {
      const viewer: Viewer = {
        side,
        heads: { east: 0, west: 0 },
        live: { east: 0, west: 0 },
        disordered: 0,
        missed: 0,
      };
      viewers.push(viewer);
      const topics = SIDES.flatMap((one) => [`video:${commentsOf(one)}`, liveOf(one)]);
      streams.push(
        await openStream(frontend?.url ?? "", topics, ({ type, data }) => take(viewer, type, data)),
      );
    }
  }
  return { viewers, streams };
}

/** The first characters suffice: parsing each event for each viewer would be most of the work. */
function take(viewer: Viewer, type: string, data: string): void {
  if (type === "goal") {
    const side = SIDES.find((one) => data.startsWith(`{"topic":"${liveOf(one)}"`));
    if (side !== undefined) viewer.live[side]++;
  } else if (type === "comment") {
    const side = SIDES.find((one) => data.startsWith(`{"topic":"video:${commentsOf(one)}"`));
    const seq = Number(/"seq":([0-9]+)/.exec(data)?.[1]);
    if (side === undefined) return;
    if (seq <= viewer.heads[side]) viewer.disordered++;
    else {
      viewer.missed += seq - viewer.heads[side] - 1;
      viewer.heads[side] = seq;
    }
  }
}

async function publish(cluster: BenchCluster, side: Side, seconds: number, perSecond: number) {
  const task = (
    role: string,
    more: Pick<PostTask, "path" | "form" | "rate" | "clients"> & Partial<PostTask>,
  ) =>
    runPostClients({
      urls: cluster.of(role, side).map(({ url }) => url),
      token: cluster.token,
      seconds,
      ...more,
    });
  const [comments, live] = await Promise.all([
    task("comments", {
      path: `/v1/videos/${commentsOf(side)}/comments`,
      form: "comment",
      rate: perSecond,
      clients: 8,
    }),
    task("dispatcher", {
      path: "/v1/publish",
      form: "event",
      topics: [liveOf(side)],
      rate: LIVE_PER_SECOND,
      clients: 2,
    }),
  ]);
  return {
    comments: comments.answers,
    live: live.answers,
    refused: comments.refused + live.refused,
  };
}

async function readHeads(cluster: BenchCluster): Promise<Record<Side, number>> {
  const [comments] = cluster.of("comments", "east");
  const head = async (side: Side) => {
    const response = await fetch(`${comments?.url}/v1/videos/${commentsOf(side)}/comments?limit=1`);
    return ((await response.json()) as { readonly head: number }).head;
  };
  return { east: await head("east"), west: await head("west") };
}

/** Or give up after a bound: the figures then show what is missing. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + SETTLE_MS_MAX;
  while (!holds() && performance.now() < end) await Bun.sleep(10);
}

function other(side: Side): Side {
  return side === "east" ? "west" : "east";
}

function sum(viewers: readonly Viewer[], value: (viewer: Viewer) => number): number {
  return viewers.reduce((total, viewer) => total + value(viewer), 0);
}

function sumOf(value: (side: Side) => number): number {
  return value("east") + value("west");
}

export default benchmark;
