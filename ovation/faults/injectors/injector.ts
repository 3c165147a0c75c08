/** Carries out the plan: breaks each thing at its time, mends it, and records for how long it was broken. */

import type { Recorder } from "../history/recorder.ts";
import type { Fault } from "./fault.ts";
import type { PlannedFault } from "./schedule.ts";

/** A mending that fails is tried this often, */
export const MEND_ATTEMPTS_MAX = 5;
/** so far apart. */
const MEND_AGAIN_MS = 1000;

export interface InjectorOptions {
  readonly faults: readonly Fault[];
  readonly recorder: Pick<Recorder, "now" | "fault">;
  /** What is broken at the moment, for the progress line. */
  readonly broken: Set<string>;
  /** What went wrong while something was broken or mended. */
  readonly problems: string[];
  sleep?(ms: number): Promise<void>;
}

/** One after the other for each thing: mending may take longer than was planned. */
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
  // Whatever the beginning found: the run goes on with everything mended.
  const isMended = await mend(fault, target, { note, sleep });
  // What was never mended excuses what it breaks until the end; the problem fails the run.
  const to = isMended ? recorder.now() : Number.MAX_SAFE_INTEGER;
  if (isMended) broken.delete(name);
  recorder.fault({ kind, target, from, to });
}

async function mend(
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
      if (attempt >= MEND_ATTEMPTS_MAX) return false;
      await how.sleep(MEND_AGAIN_MS);
    }
  }
}
