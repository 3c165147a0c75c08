/** Carries out the plan: begins each fault at its time, heals it, and records when it lasted. */

import type { Recorder } from "../history/recorder.ts";
import type { Fault } from "./fault.ts";
import type { PlannedFault } from "./schedule.ts";

/** A fault that cannot be healed is retried so often. */
export const HEAL_ATTEMPTS_MAX = 5;
const HEAL_RETRY_MS = 1000;

export interface InjectorOptions {
  readonly faults: readonly Fault[];
  readonly recorder: Pick<Recorder, "now" | "fault">;
  /** What is broken at the moment, for the progress line. */
  readonly broken: Set<string>;
  /** Errors of beginning and healing faults. */
  readonly problems: string[];
  sleep?(ms: number): Promise<void>;
}

/** One after the other for each target: healing may take longer than planned. */
export async function injectAll(
  plan: readonly PlannedFault[],
  options: InjectorOptions,
): Promise<void> {
  const { sleep = Bun.sleep } = options;
  const last = new Map<string, Promise<void>>();
  for (const planned of plan) {
    const before = last.get(planned.target) ?? Promise.resolve();
    const due = sleep(planned.atMs);
    last.set(
      planned.target,
      before.then(() => due).then(() => inject(planned, options)),
    );
  }
  await Promise.all(last.values());
}

async function inject(planned: PlannedFault, options: InjectorOptions): Promise<void> {
  const { faults, recorder, broken, problems, sleep = Bun.sleep } = options;
  const { kind, target } = planned;
  const fault = faults.find((one) => one.kind === kind);
  if (fault === undefined) throw new Error(`no fault ${kind}`);
  const name = `${kind}: ${target}`;
  const from = recorder.now();
  const note = (error: unknown) =>
    void problems.push(`${name}, at ${from} ms: ${error instanceof Error ? error.message : error}`);
  broken.add(name);
  await fault.begin(target).catch(note);
  await sleep(planned.forMs);
  // Also after an error of `begin`: the run continues on a healed system.
  const isHealed = await heal(fault, target, { note, sleep });
  // A fault that was never healed excuses its effects until the end; the problem fails the run.
  const to = isHealed ? recorder.now() : Number.MAX_SAFE_INTEGER;
  if (isHealed) broken.delete(name);
  recorder.fault({ kind, target, from, to });
}

async function heal(
  fault: Fault,
  target: string,
  how: { note(error: unknown): void; sleep(ms: number): Promise<void> },
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      await fault.end(target);
      return true;
    } catch (error) {
      how.note(error);
      if (attempt >= HEAL_ATTEMPTS_MAX) return false;
      await how.sleep(HEAL_RETRY_MS);
    }
  }
}
