/** One run: a cluster drawn from a seed, faults, healing, and the invariants after it. */

import type { Topic } from "@ovation/protocol";
import { Random } from "../testing/random.ts";
import { Audience } from "./audience.ts";
import {
  checkAcknowledged,
  checkCompleteness,
  checkLikes,
  checkMemory,
  checkTables,
  checkViewerCounts,
  countViewers,
} from "./checkers/end-checks.ts";
import { Truth } from "./checkers/truth.ts";
import { type Failure, Verdict } from "./checkers/verdict.ts";
import { BEGINNING_MS, Timeline } from "./clock.ts";
import { Cluster, type Datacenter } from "./cluster.ts";
import { Chaos } from "./faults/chaos.ts";
import { Network } from "./network.ts";
import { type Planted, Saboteur } from "./saboteur.ts";
import { drawSettings, policyFor } from "./scenario.ts";
import { Trace } from "./trace.ts";
import { Traffic } from "./traffic.ts";
import type { Settings, World } from "./world.ts";

export interface SimulateOptions {
  readonly seed: number;
  /** Length of the part with faults, ms of virtual time; drawn from the seed where absent. */
  readonly chaosMs?: number | undefined;
  readonly traced?: boolean;
  readonly print?: ((line: string) => void) | undefined;
  readonly planted?: Planted | undefined;
}

export interface Outcome {
  readonly seed: number;
  readonly failure: Failure | undefined;
  /** Whether there was an occasion for the injected bug. */
  readonly planted: boolean;
  readonly settings: Settings;
  readonly faults: readonly string[];
  readonly steps: number;
  /** ms of virtual time. */
  readonly virtualMs: number;
  readonly commits: number;
  /** A hash over the times of all steps, and over the trace where there is one. */
  readonly hash: string;
  readonly trace: readonly string[];
}

/**
 * After healing: all viewers are connected and have caught up by then, without any new event. The
 * last stream with a short lifetime has ended, and its viewer has returned.
 */
export const REPAIRED_AFTER_MS = 32_000;
/** Then one event per topic; when that has arrived, the rest is checked. */
const SWEPT_AFTER_MS = 45_000;
/** The shown viewers may be this old. */
const VIEWERS_AGE_MS = 10_000;
const SAMPLE_MS = 500;
const TRACE_LINES = 400;

export function simulate(options: SimulateOptions): Outcome {
  const timeline = new Timeline();
  const random = new Random(options.seed);
  const trace = new Trace(timeline, {
    enabled: options.traced === true || options.print !== undefined,
    print: options.print,
  });
  const settings = drawSettings(random, options.chaosMs);
  const saboteur = options.planted === undefined ? undefined : new Saboteur(options.planted);
  const world: World = {
    timeline,
    random,
    trace,
    settings,
    network: new Network(timeline, random),
    truth: new Truth(),
    verdict: new Verdict(timeline),
    policy: policyFor(settings),
    sabotage: saboteur,
    healed: false,
    tolerated: 0,
  };
  trace.note("SETTINGS", () => JSON.stringify(settings));
  const cluster = new Cluster(world);
  const audience = new Audience(world, cluster);
  const traffic = new Traffic(world, cluster, audience);
  const chaos = new Chaos(world, cluster, audience);
  trace.note("SETTINGS", () => `faults: ${chaos.names.join(" ")}`);

  const healedAt = BEGINNING_MS + settings.chaosMs;
  timeline.runUntil(healedAt);
  traffic.end();
  chaos.heal();
  const recent = sampleViewers(world, cluster, audience);
  timeline.runUntil(healedAt + REPAIRED_AFTER_MS);
  if (!timeline.stopped) checkCompleteness(world, audience, false);
  traffic.sweep();
  saboteur?.afterHealing(cluster, world.truth, audience.videos);
  timeline.runUntil(healedAt + SWEPT_AFTER_MS);
  saboteur?.atTheEnd(cluster, world.truth, audience.topics);
  if (!timeline.stopped) checkAll(world, cluster, audience, recent);

  if (timeline.crash !== undefined) world.verdict.fail("crash", describe(timeline.crash));
  return {
    seed: options.seed,
    failure: world.verdict.failure,
    planted: saboteur?.fired === true,
    settings,
    faults: chaos.names,
    steps: timeline.steps,
    virtualMs: timeline.now - BEGINNING_MS,
    commits: world.truth.commits,
    hash: `${timeline.hash.toString(16)}-${timeline.steps}-${trace.hash.toString(16)}`,
    trace: trace.last(TRACE_LINES),
  };
}

type Recent = (datacenter: Datacenter, topic: Topic) => ReadonlySet<number>;

function checkAll(world: World, cluster: Cluster, audience: Audience, recent: Recent): void {
  checkCompleteness(world, audience, true);
  checkAcknowledged(world);
  checkTables(world, cluster, audience.topics);
  checkLikes(world, audience);
  checkViewerCounts(world, cluster, audience, recent);
  checkMemory(world, cluster, audience);
}

/** Records how many viewers there were recently. */
function sampleViewers(world: World, cluster: Cluster, audience: Audience): Recent {
  const samples: { readonly at: number; readonly counts: ReadonlyMap<string, number> }[] = [];
  const sample = () => {
    const counts = new Map<string, number>();
    for (const datacenter of cluster.datacenters) {
      for (const topic of audience.videos)
        counts.set(`${datacenter.name} ${topic}`, countViewers(datacenter, topic));
    }
    samples.push({ at: world.timeline.now, counts });
    world.timeline.after(SAMPLE_MS, sample);
  };
  sample();
  return (datacenter, topic) => {
    const values = new Set<number>();
    for (const { at, counts } of samples) {
      const value = counts.get(`${datacenter.name} ${topic}`);
      if (value !== undefined && at >= world.timeline.now - VIEWERS_AGE_MS) values.add(value);
    }
    return values;
  };
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}\n${error.stack ?? ""}`
    : String(error);
}
