/** One run: see `mod.ts` for its life. */

import { type Topic, topicOf } from "@ovation/protocol";
import { Random } from "../../testing/random.ts";
import { signToken } from "../tokens/mod.ts";
import { readAtEnd } from "./at-end.ts";
import { openAudience } from "./audience.ts";
import { check, type Verdict } from "./checker.ts";
import type { History } from "./history.ts";
import { injectAll } from "./injector.ts";
import { startLiker } from "./liker.ts";
import { ProcessLines } from "./process-lines.ts";
import { type Publisher, startPublisher } from "./publisher.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { type RestoreReport, runRestore } from "./restore-run.ts";
import { planFaults } from "./schedule.ts";
import type { Stage } from "./stage.ts";
import { startStageCluster } from "./stage-cluster.ts";
import { startStageOne } from "./stage-one.ts";
import { createTally } from "./tally.ts";

/** `one`: `ovation start`; `cluster`: the roles in one data centre; `datacenters`: in two. */
export type Topology = "one" | "cluster" | "datacenters";

export interface RunOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** How long faults are injected, ms. */
  readonly durationMs: number;
  /** Only faults whose kind has one of these in it. Default: all. */
  readonly kinds?: readonly string[];
  /** SDK viewers and plain ones at each door. Default 8 and 4. */
  readonly viewers?: { readonly sdk: number; readonly plain: number };
  /**
   * Whether a frontend is killed at the end while nothing else is broken, and then a backup put
   * back. Default true.
   */
  readonly epilogue?: boolean;
  /** All that happened, before it is judged: for looking into it. */
  onHistory?(history: History): void;
  onProgress?(progress: Progress): void;
  /** Lines that the processes write to standard error. */
  onLine?(process: string, line: string): void;
}

export interface Progress {
  readonly phase: string;
  readonly atMs: number;
  readonly counts: Recorder["counts"];
  readonly connected: number;
  readonly viewers: number;
  /** What is broken at the moment. */
  readonly broken: readonly string[];
}

export interface RunReport {
  readonly topology: Topology;
  /** What ran: the seed chooses among several. */
  readonly shape: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly verdict: Verdict;
  /** What else went wrong: something did not come back. */
  readonly problems: readonly string[];
  readonly counts: Recorder["counts"];
  readonly viewers: number;
  readonly returns: number;
  /** By kind, how often. */
  readonly faults: Readonly<Record<string, number>>;
  readonly missing: readonly string[];
  /** From the processes' metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** From the mending of the last fault until everybody had everything, ms. */
  readonly caughtUpMs: number;
  /** What came of the backup that was put back at the end. */
  readonly restored: RestoreReport | undefined;
  readonly ok: boolean;
}

const TOPICS: readonly Topic[] = [
  topicOf("video", "one"),
  topicOf("video", "two"),
  topicOf("video", "three"),
];
/** Exactly so many viewers have it, and stay. */
const COUNTED_TOPIC = topicOf("video", "counted");
const LIKED_TOPICS = [...TOPICS.slice(0, 2), COUNTED_TOPIC];
const MEMBER = "ana";
const MEMBER_TOPIC = topicOf("member", MEMBER);
const TOKEN_SECONDS = 24 * 60 * 60;
/** In the end: until all processes are ready, and until everybody has everything. */
const WHOLE_MS_MAX = 30_000;
const CAUGHT_UP_MS_MAX = 45_000;
/**
 * A lost last event is repaired within 2.5 s; so nobody may be behind after this, whatever was
 * announced.
 */
const SETTLE_MS = 4000;
const PROGRESS_MS = 1000;
/**
 * A total reaches viewers with the reports of their worker; one that returns late in the run makes
 * it fall and rise once more. The lease of a frontend is the bound.
 */
const TOLD_MS_MAX = 6000;
/**
 * Longer than what was broken before may excuse a number of viewers; longer than a dead frontend
 * counts.
 */
const EXCUSED_MS = 10_500;
const COUNTED_AGAIN_MS = 8000;

export async function runFaults(options: RunOptions): Promise<RunReport> {
  const recorder = createRecorder();
  const stage = await startStage(options, recorder);
  try {
    return await runOn(stage, options, recorder);
  } finally {
    await stage.stop();
  }
}

function startStage(
  { topology, seed, onLine = () => undefined }: RunOptions,
  recorder: Recorder,
): Promise<Stage> {
  const options = { seed, recorder, lines: new ProcessLines(), onLine };
  if (topology === "one") return startStageOne(options);
  return startStageCluster(topology === "cluster" ? ["east"] : ["east", "west"], options);
}

async function runOn(stage: Stage, options: RunOptions, recorder: Recorder): Promise<RunReport> {
  const { seed, durationMs, topology } = options;
  const random = new Random(seed ^ 0x5eed);
  const tally = createTally(stage.processes);
  const problems: string[] = [];
  const broken = new Set<string>();
  let phase = "starting";

  const memberToken = await signToken(
    stage.secret,
    { sub: MEMBER, name: "Ana", role: "member" },
    TOKEN_SECONDS,
  );
  const audience = openAudience({
    stage,
    recorder,
    random,
    topics: TOPICS,
    counted: COUNTED_TOPIC,
    member: { topic: MEMBER_TOPIC, token: memberToken },
    ...options.viewers,
  });
  const timer = setInterval(() => {
    void tally.read();
    const { connected, size } = audience;
    options.onProgress?.({
      phase,
      atMs: recorder.now(),
      counts: recorder.counts,
      connected,
      viewers: size,
      broken: [...broken],
    });
  }, PROGRESS_MS);
  try {
    await audience.ready();
    const publishers = [
      ...(await startPublishers(stage, recorder, random)),
      ...startLikers(stage, recorder, random),
    ];
    phase = "faults";
    const { kinds } = options;
    const faults = stage.faults.filter(
      ({ kind }) => kinds === undefined || kinds.some((part) => kind.includes(part)),
    );
    await injectAll(planFaults(seed, faults, durationMs), { faults, recorder, broken, problems });
    phase = "mended";
    problems.push(...(await stage.settle()));
    const mendedAt = recorder.now();
    await whole(stage, problems);
    const finished = await Promise.all(
      publishers.map(async ({ name, publisher }) => ({ name, ok: await publisher.finish() })),
    );
    for (const { name, ok } of finished)
      if (!ok)
        problems.push(`${name}: nothing was acknowledged any more after everything was mended`);
    phase = "catching up";
    const caughtUpMs = await catchUp(audience.isCaughtUp, recorder, mendedAt);
    await Bun.sleep(SETTLE_MS);
    if (options.epilogue !== false) {
      phase = "one kill";
      await killOnWhole(stage, random, recorder);
    }
    const counted = { topic: COUNTED_TOPIC, viewers: audience.counted };
    const atEnd = await readAtEnd(stage.likers, LIKED_TOPICS, counted, problems);
    await until(TOLD_MS_MAX, () => areTold(recorder, audience.counted));
    await tally.read();
    audience.close();
    const log = await stage.readLog([...TOPICS, MEMBER_TOPIC]);
    const history = recorder.history(log, { atEnd, counted });
    options.onHistory?.(history);
    const verdict = check(history);
    phase = "restoring";
    const restored =
      options.epilogue === false
        ? undefined
        : await runRestore({ stage, random, token: await signPublisher(stage), problems });
    return {
      topology,
      shape: stage.shape,
      seed,
      durationMs,
      verdict,
      problems,
      counts: { ...recorder.counts },
      viewers: history.viewers.length,
      returns: returnsIn(history),
      faults: countKinds(history),
      missing: stage.missing,
      metrics: tally.sums,
      caughtUpMs,
      restored,
      ok: verdict.violations.length + (restored?.violations.length ?? 0) + problems.length === 0,
    };
  } finally {
    clearInterval(timer);
    audience.close();
  }
}

async function until(withinMs: number, isDone: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < withinMs && !isDone(); waitedMs += 100) await Bun.sleep(100);
}

/** Whether each viewer of the counted topic was told the right number last. */
function areTold(recorder: Recorder, counted: number): boolean {
  return recorder.history(new Map()).viewers.every(({ presentAtEnd, topics, entries }) => {
    if (!presentAtEnd || !topics.includes(COUNTED_TOPIC)) return true;
    let last: number | undefined;
    for (const entry of entries) if (entry.kind === "viewers") last = entry.viewers;
    return last === counted;
  });
}

function signPublisher({ secret }: Stage): Promise<string> {
  const claims = { sub: "server", name: "Server", publish: ["*"], role: "host" as const };
  return signToken(secret, claims, TOKEN_SECONDS);
}

function startLikers(stage: Stage, recorder: Recorder, random: Random) {
  return stage.likers.map((process) => ({
    name: `likes at ${process.name}`,
    publisher: startLiker({ recorder, process, topics: LIKED_TOPICS, random }),
  }));
}

async function startPublishers(stage: Stage, recorder: Recorder, random: Random) {
  const token = await signPublisher(stage);
  const publishers: { readonly name: string; readonly publisher: Publisher }[] = [];
  for (const door of stage.doors) {
    const start = (
      name: string,
      topic: Topic | undefined,
      form: "comment" | "durable" | "live",
      everyMs: number,
    ) => {
      const full = `${name}@${door.name}`;
      const common = { recorder, url: door.url, token, random: random.next, name: full, everyMs };
      publishers.push({
        name: full,
        publisher: startPublisher({ ...common, form, topic: topic ?? "", removePercent: 4 }),
      });
    };
    start("ben", TOPICS[0], "comment", 60);
    start("cleo", TOPICS[1], "comment", 80);
    start("dan", TOPICS[0], "comment", 200);
    start("scores", TOPICS[1], "durable", 100);
    start("ticker", TOPICS[0], "live", 60);
    start("clock", TOPICS[2], "live", 100);
    start("mail", MEMBER_TOPIC, "durable", 300);
  }
  return publishers;
}

/**
 * A frontend dies while nothing else is broken: in the storm, something else may nearly always
 * excuse a number of viewers that is too high.
 */
async function killOnWhole(stage: Stage, random: Random, recorder: Recorder): Promise<void> {
  const frontends = stage.processes.filter(({ role }) => role === "frontend");
  if (frontends.length === 0) return;
  await Bun.sleep(EXCUSED_MS);
  const frontend = random.choose(frontends);
  const from = recorder.now();
  await frontend.kill();
  await Bun.sleep(COUNTED_AGAIN_MS);
  await frontend.restart("until-ready");
  const { name, role } = frontend;
  recorder.fault({ kind: `kill -9 ${role}`, target: name, from, to: recorder.now() });
}

/** Everything was mended: all processes must be ready again by themselves. */
async function whole(stage: Stage, problems: string[]): Promise<void> {
  const late = Bun.sleep(WHOLE_MS_MAX).then(() => "late" as const);
  await Promise.all(
    stage.processes.map(async (process) => {
      try {
        if ((await Promise.race([process.ready(), late])) === "late")
          problems.push(`${process.name} is not ready again`);
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }),
  );
}

async function catchUp(
  isCaughtUp: () => boolean,
  recorder: Recorder,
  since: number,
): Promise<number> {
  const until = recorder.now() + CAUGHT_UP_MS_MAX;
  // Who is still behind then is found by the checker, with what is missing.
  while (!isCaughtUp() && recorder.now() < until) await Bun.sleep(50);
  return recorder.now() - since;
}

function returnsIn(history: History): number {
  const connects = history.viewers.map(
    ({ entries }) => [...entries].filter(({ kind }) => kind === "connected").length,
  );
  return connects.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
}

function countKinds(history: History): Readonly<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (const { kind } of history.faults) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}
