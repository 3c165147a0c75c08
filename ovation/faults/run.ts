/** One run: see `mod.ts` for its life cycle. */

import { Random } from "../../testing/random.ts";
import { signToken } from "../tokens/mod.ts";
import { readAtEnd } from "./at-end.ts";
import { check } from "./checkers/checker.ts";
import { Audience } from "./clients/audience.ts";
import { Writers } from "./clients/writers.ts";
import type { History } from "./history/history.ts";
import { Recorder } from "./history/recorder.ts";
import { injectAll } from "./injectors/injector.ts";
import { planFaults } from "./injectors/schedule.ts";
import { type RestoreReport, runRestore } from "./restore-run.ts";
import {
  countKinds,
  countReturns,
  type Progress,
  type RunReport,
  type Topology,
} from "./run-report.ts";
import { COUNTED_TOPIC, LIKED_TOPICS, MEMBER, MEMBER_TOPIC, TOPICS } from "./run-topics.ts";
import { ProcessLines } from "./stages/process-lines.ts";
import type { Stage } from "./stages/stage.ts";
import { startStageCluster } from "./stages/stage-cluster.ts";
import { startStageOne } from "./stages/stage-one.ts";
import { Tally } from "./tally.ts";

export interface RunOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** How long faults are injected, ms. */
  readonly durationMs: number;
  /** Only faults whose kind contains one of these. Default: all. */
  readonly kinds?: readonly string[];
  /** SDK viewers and plain ones at each door. Default 8 and 4. */
  readonly viewers?: { readonly sdk: number; readonly plain: number };
  /**
   * Whether a frontend is killed at the end while nothing else is broken, and a backup is restored
   * after that. Default true.
   */
  readonly epilogue?: boolean;
  /** All that happened, before it is judged: for an analysis. */
  onHistory?(history: History): void;
  onProgress?(progress: Progress): void;
  /** Lines that the processes write to standard error. */
  onLine?(process: string, line: string): void;
}

const TOKEN_SECONDS = 24 * 60 * 60;
/** At the end: until all processes are ready, and until all viewers have all events. */
const WHOLE_MS_MAX = 30_000;
const CAUGHT_UP_MS_MAX = 45_000;
/** A lost last event is repaired within 2.5 s: no viewer may be behind after this. */
const SETTLE_MS = 4000;
const PROGRESS_MS = 1000;
/**
 * A total reaches viewers with the reports of their worker; one that reconnects late in the run
 * makes it fall and rise once more. The lease of a frontend is the bound.
 */
const TOLD_MS_MAX = 6000;
const TOLD_EVERY_MS = 100;
/**
 * Longer than an earlier fault may excuse a number of viewers, and longer than a dead frontend
 * counts.
 */
const EXCUSED_MS = 10_500;
const COUNTED_AGAIN_MS = 8000;

export async function runFaults(options: RunOptions): Promise<RunReport> {
  const recorder = new Recorder();
  const stage = await startStage(options, recorder);
  try {
    return await new Run(stage, options, recorder).run();
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

class Run {
  readonly #stage: Stage;
  readonly #options: RunOptions;
  readonly #recorder: Recorder;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #problems: string[] = [];
  readonly #broken = new Set<string>();
  #phase = "starting";

  constructor(stage: Stage, options: RunOptions, recorder: Recorder) {
    this.#stage = stage;
    this.#options = options;
    this.#recorder = recorder;
    this.#random = new Random(options.seed ^ 0x5eed);
    this.#tally = new Tally(stage.processes);
  }

  async run(): Promise<RunReport> {
    const audience = await this.#openAudience();
    const timer = setInterval(() => {
      void this.#tally.read();
      this.#showProgress(audience);
    }, PROGRESS_MS);
    try {
      await audience.ready();
      const writers = new Writers({
        stage: this.#stage,
        recorder: this.#recorder,
        random: this.#random,
        token: await this.#signPublisher(),
      });
      await this.#inject();
      const caughtUpMs = await this.#heal(writers, audience);
      await Bun.sleep(SETTLE_MS);
      if (this.#options.epilogue !== false) await this.#killOnWhole();
      const history = await this.#readHistory(audience);
      this.#options.onHistory?.(history);
      const verdict = check(history);
      const restored = await this.#restore();
      return this.#report({ history, verdict, caughtUpMs, restored });
    } finally {
      clearInterval(timer);
      audience.close();
    }
  }

  async #openAudience(): Promise<Audience> {
    const { secret } = this.#stage;
    const claims = { sub: MEMBER, name: "Ana", role: "member" as const };
    return new Audience({
      stage: this.#stage,
      recorder: this.#recorder,
      random: this.#random,
      topics: TOPICS,
      counted: COUNTED_TOPIC,
      member: { topic: MEMBER_TOPIC, token: await signToken(secret, claims, TOKEN_SECONDS) },
      ...this.#options.viewers,
    });
  }

  #signPublisher(): Promise<string> {
    const claims = { sub: "server", name: "Server", publish: ["*"], role: "host" as const };
    return signToken(this.#stage.secret, claims, TOKEN_SECONDS);
  }

  #showProgress({ connected, size }: Audience): void {
    this.#options.onProgress?.({
      phase: this.#phase,
      atMs: this.#recorder.now(),
      counts: this.#recorder.counts,
      connected,
      viewers: size,
      broken: [...this.#broken],
    });
  }

  async #inject(): Promise<void> {
    this.#phase = "faults";
    const { kinds, seed, durationMs } = this.#options;
    const faults = this.#stage.faults.filter(
      ({ kind }) => kinds === undefined || kinds.some((part) => kind.includes(part)),
    );
    await injectAll(planFaults(seed, faults, durationMs), {
      faults,
      recorder: this.#recorder,
      broken: this.#broken,
      problems: this.#problems,
    });
  }

  /** No fault is active: waits until all processes are ready and all viewers have all events. */
  async #heal(writers: Writers, audience: Audience): Promise<number> {
    this.#phase = "healed";
    this.#problems.push(...(await this.#stage.settle()));
    const healedAt = this.#recorder.now();
    await this.#allReady();
    for (const name of await writers.finish())
      this.#problems.push(`${name}: nothing was acknowledged after the last fault`);
    this.#phase = "catching up";
    // A viewer that stays behind is found by the checker, with what it lacks.
    const until = this.#recorder.now() + CAUGHT_UP_MS_MAX;
    while (!audience.isCaughtUp() && this.#recorder.now() < until) await Bun.sleep(50);
    return this.#recorder.now() - healedAt;
  }

  /** All processes must be ready again by themselves. */
  async #allReady(): Promise<void> {
    const late = Bun.sleep(WHOLE_MS_MAX).then(() => "late" as const);
    await Promise.all(
      this.#stage.processes.map(async (process) => {
        try {
          if ((await Promise.race([process.ready(), late])) === "late")
            this.#problems.push(`${process.name} is not ready again`);
        } catch (error) {
          this.#problems.push(error instanceof Error ? error.message : String(error));
        }
      }),
    );
  }

  /**
   * A frontend dies while nothing else is broken: during the faults, another one excuses nearly any
   * number of viewers that is too high.
   */
  async #killOnWhole(): Promise<void> {
    this.#phase = "one kill";
    const frontends = this.#stage.processes.filter(({ role }) => role === "frontend");
    if (frontends.length === 0) return;
    await Bun.sleep(EXCUSED_MS);
    const frontend = this.#random.choose(frontends);
    const from = this.#recorder.now();
    await frontend.kill();
    await Bun.sleep(COUNTED_AGAIN_MS);
    await frontend.restart("until-ready");
    const { name, role } = frontend;
    const to = this.#recorder.now();
    this.#recorder.fault({ kind: `kill -9 ${role}`, target: name, from, to });
  }

  /** Ends the viewers, then reads the log. */
  async #readHistory(audience: Audience): Promise<History> {
    const counted = { topic: COUNTED_TOPIC, viewers: audience.counted };
    const { likers } = this.#stage;
    const atEnd = await readAtEnd(likers, LIKED_TOPICS, counted, this.#problems);
    const isTold = () => areTold(this.#recorder, audience.counted);
    // By waits, not by the clock: a look through all entries takes its time in a long run.
    for (let waitedMs = 0; waitedMs < TOLD_MS_MAX && !isTold(); waitedMs += TOLD_EVERY_MS)
      await Bun.sleep(TOLD_EVERY_MS);
    await this.#tally.read();
    audience.close();
    const log = await this.#stage.readLog([...TOPICS, MEMBER_TOPIC]);
    return this.#recorder.history(log, { atEnd, counted });
  }

  async #restore(): Promise<RestoreReport | undefined> {
    this.#phase = "restoring";
    if (this.#options.epilogue === false) return undefined;
    const token = await this.#signPublisher();
    const [stage, random, problems] = [this.#stage, this.#random, this.#problems];
    return await runRestore({ stage, random, token, problems });
  }

  #report({
    history,
    verdict,
    caughtUpMs,
    restored,
  }: Pick<RunReport, "verdict" | "caughtUpMs" | "restored"> & { history: History }): RunReport {
    const { topology, seed, durationMs } = this.#options;
    const violations = verdict.violations.length + (restored?.violations.length ?? 0);
    return {
      topology,
      seed,
      durationMs,
      verdict,
      caughtUpMs,
      restored,
      shape: this.#stage.shape,
      problems: this.#problems,
      counts: { ...this.#recorder.counts },
      viewers: history.viewers.length,
      returns: countReturns(history),
      faults: countKinds(history),
      missing: this.#stage.missing,
      metrics: this.#tally.sums,
      ok: violations + this.#problems.length === 0,
    };
  }
}

/** Whether the last number that each viewer of the counted topic received is right. */
function areTold(recorder: Recorder, counted: number): boolean {
  return recorder.history(new Map()).viewers.every(({ presentAtEnd, topics, entries }) => {
    if (!presentAtEnd || !topics.includes(COUNTED_TOPIC)) return true;
    let last: number | undefined;
    for (const entry of entries) if (entry.kind === "viewers") last = entry.viewers;
    return last === counted;
  });
}
