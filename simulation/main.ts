/**
 * `npm run simulate -- --seed S --runs N [--minutes-of-virtual-time M] [--verbose]`: runs N seeds
 * from S on, each its own cluster. Ends with code 1 at the first seed that fails, and prints how to
 * reproduce it.
 */

import { parseArgs } from "node:util";
import { simulate } from "./simulate.ts";

const TRACE_LINES = 80;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "1000" },
    "minutes-of-virtual-time": { type: "string" },
    verbose: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`npm run simulate -- [--seed S] [--runs N] [--minutes-of-virtual-time M]
                       [--verbose] [--keep-going]

  --seed S      the first seed; without it one that was never used. With --seed alone: that one run
  --runs N      how many seeds, one after the other (1000; 1 with --seed)
  --minutes-of-virtual-time M   length of the faults in each run (drawn from the seed: 4 to 20 s)
  --verbose     print every step
  --keep-going  do not stop at the first seed that fails`);
  process.exit(0);
}

const first = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
const runs =
  values.seed !== undefined && !process.argv.includes("--runs") ? 1 : Number(values.runs);
const chaosMs =
  values["minutes-of-virtual-time"] === undefined
    ? undefined
    : Number(values["minutes-of-virtual-time"]) * 60_000;
if (
  !Number.isSafeInteger(first) ||
  !Number.isSafeInteger(runs) ||
  runs < 1 ||
  Number.isNaN(chaosMs)
) {
  console.error("--seed and --runs are whole numbers, --minutes-of-virtual-time is a number");
  process.exit(2);
}

let rejection: unknown;
process.on("unhandledRejection", (error) => {
  rejection ??= error;
});

const started = performance.now();
let virtualMs = 0;
let steps = 0;
let commits = 0;
let saidAt = started;
const failures = new Map<string, number[]>();

for (let seed = first; seed < first + runs; seed++) {
  const outcome = simulate({ seed, chaosMs, print: values.verbose ? console.log : undefined });
  // Unhandled rejections are reported when the event loop turns.
  await new Promise<void>((resolve) => setImmediate(resolve));
  virtualMs += outcome.virtualMs;
  steps += outcome.steps;
  commits += outcome.commits;
  const failure =
    outcome.failure ??
    (rejection === undefined
      ? undefined
      : { check: "crash", detail: `an unhandled rejection: ${String(rejection)}`, atMs: 0 });
  rejection = undefined;
  if (failure !== undefined) {
    failures.set(failure.check, [...(failures.get(failure.check) ?? []), seed]);
    if (!values["keep-going"]) {
      report(seed, failure);
      process.exit(1);
    }
  }
  if (performance.now() - saidAt > 5000 && !values.verbose) {
    saidAt = performance.now();
    console.log(summary(seed - first + 1));
  }
}

console.log(summary(runs));
for (const [check, seeds] of failures)
  console.log(`FAILED ${check}: ${seeds.length} seeds, for example ${seeds.slice(0, 8).join(" ")}`);
console.log(
  `${runs - [...failures.values()].flat().length} passed, ` +
    `${[...failures.values()].flat().length} failed`,
);
process.exit(failures.size === 0 ? 0 : 1);

function summary(done: number): string {
  const seconds = (performance.now() - started) / 1000;
  const hours = (virtualMs / 3_600_000).toFixed(1);
  return (
    `${done} of ${runs} seeds from ${first} on, ${(done / seconds).toFixed(0)} a ` +
    `second; ${hours} h of virtual time, ${steps} steps, ${commits} durable events`
  );
}

function report(
  seed: number,
  failure: { readonly check: string; readonly detail: string; readonly atMs: number },
): void {
  const again = simulate({ seed, chaosMs, traced: true });
  console.log(again.trace.slice(-TRACE_LINES).join("\n"));
  console.log(
    `\nseed ${seed} FAILED ${failure.check} at ${failure.atMs} ms of virtual time:\n  ` +
      `${failure.detail}`,
  );
  console.log(`settings ${JSON.stringify(again.settings)}\nfaults   ${again.faults.join(" ")}`);
  const length =
    values["minutes-of-virtual-time"] === undefined
      ? ""
      : ` --minutes-of-virtual-time ${values["minutes-of-virtual-time"]}`;
  console.log(`\nsee all of it with: npm run simulate -- --seed ${seed}${length} --verbose`);
}
