/**
 * What a cluster costs when it grows: real dispatchers, Redis and PostgreSQL under 10, 100 and
 * 1,000 frontends that hold real leases, rows, links and reports, and no sockets of viewers
 * (`--frontends 10,100,1000`). Each part can be run alone (`--only idle,flushall`).
 */
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { videoOf } from "../harness/growth/fakes.ts";
import { fanout } from "../harness/growth/parts/fanout.ts";
import { flushall } from "../harness/growth/parts/flushall.ts";
import { heads } from "../harness/growth/parts/heads.ts";
import { idle } from "../harness/growth/parts/idle.ts";
import { oneRow } from "../harness/growth/parts/one-row.ts";
import type { Part } from "../harness/growth/parts/part.ts";
import { repair } from "../harness/growth/parts/repair.ts";
import { rolling } from "../harness/growth/parts/rolling.ts";
import { Stage } from "../harness/growth/stage.ts";
import { GrowthTable } from "../harness/growth/table.ts";
import { count } from "../report.ts";

/** Quiet ones first: what frontends do once a second may be more than the machine can do. */
const PARTS: readonly Part[] = [oneRow, fanout, repair, idle, heads, flushall, rolling];
/** Runs once, with its own number of frontends. */
const LINKS = "links";

const FRONTENDS = [10, 100, 1000];
const FRONTENDS_QUICK = [4];
/** Videos that every frontend has: their viewers are counted. */
const VIDEOS = 20;
const ROWS = 1000;
const ROWS_QUICK = 100;
/** More links than a dispatcher once had room for: 1,000. */
const LINKED = 1101;
const LINKED_QUICK = 24;
const LINK_EVENTS = 5;
const ARRIVE_MS = 5000;

const benchmark: Benchmark = {
  name: "growth",
  about:
    "what a cluster of 10, 100 and 1,000 frontends costs (--frontends N,N): Redis, dispatchers " +
    "and PostgreSQL idle and per event, FLUSHALL, gaps, restarts (--only PART,PART)",
  parts: [...PARTS.map(({ name }) => name), LINKS],
  async run(bench) {
    const isWanted = (name: string) => bench.only === undefined || bench.only.includes(name);
    const frontends = bench.frontends ?? (bench.quick ? FRONTENDS_QUICK : FRONTENDS);
    const parts = PARTS.filter(({ name }) => isWanted(name));
    const table = new GrowthTable(frontends);
    if (parts.length > 0) for (const each of frontends) await measure(bench, each, parts, table);
    if (isWanted(LINKS)) await measureLinks(bench);
    if (parts.length === 0) return;
    if (!table.isEmpty) for (const line of table.lines()) bench.note(line);
    for (const figure of table.figures(!bench.quick)) bench.figure(figure);
  },
};

/** A part that fails is reported, and the others run. */
async function measure(
  bench: Bench,
  frontends: number,
  parts: readonly Part[],
  table: GrowthTable,
): Promise<void> {
  const what = (name: string) => `${name}, ${count(frontends)} frontends`;
  let stage: Stage;
  try {
    stage = await openStage(bench, {
      frontends,
      videos: bench.size(3, VIDEOS),
      rows: bench.size(ROWS_QUICK, ROWS),
    });
  } catch (error) {
    fail(bench, what("start"), error);
    return;
  }
  try {
    for (const part of parts) {
      bench.progress(what(part.name));
      try {
        await stage.fleet.setQuiet(part.isQuiet);
        await part.run(stage, (row, value) => table.set(row, frontends, value));
      } catch (error) {
        fail(bench, what(part.name), error);
      }
    }
  } finally {
    await stage.close();
  }
}

function openStage(
  bench: Bench,
  sizes: { readonly frontends: number; readonly videos: number; readonly rows: number },
): Promise<Stage> {
  return Stage.open(bench, { ...sizes, dispatchers: bench.size(2, 4) });
}

/** Does every one of more frontends than 1,000 get live events? */
async function measureLinks(bench: Bench): Promise<void> {
  const frontends = bench.size(LINKED_QUICK, LINKED);
  const what = `links: of ${count(frontends)} frontends, those that get every event`;
  try {
    const stage = await openStage(bench, { frontends, videos: 1, rows: 1 });
    try {
      // Every dispatcher opens its links.
      for (let event = 0; event < LINK_EVENTS; event++) await stage.publish(videoOf(0));
      await Bun.sleep(bench.size(500, ARRIVE_MS));
      await stage.fleet.arrivals();
      const numbers: number[] = [];
      for (let event = 0; event < LINK_EVENTS; event++)
        numbers.push((await stage.publish(videoOf(0))).number);
      await Bun.sleep(bench.size(500, ARRIVE_MS));
      const arrivals = await stage.fleet.arrivals();
      const least = Math.min(...numbers.map((number) => arrivals.get(number)?.count ?? 0));
      const bytes = Math.max(...stage.dispatcherBytes());
      bench.figure({
        what,
        value: `${count(least)}; a dispatcher has ${(bytes / 1_000_000).toFixed(0)} MB`,
        target: "all",
        ok: least === frontends,
      });
    } finally {
      await stage.close();
    }
  } catch (error) {
    fail(bench, what, error);
  }
}

function fail(bench: Bench, what: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  bench.figure({ what, value: `not measured: ${why}`, ok: false });
}

export default benchmark;
