/** `npm run faults`: see `mod.ts`. Ends with code 0 where no promise was broken. */

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { Command, Option } from "commander";
import { toPositiveInteger } from "../settings/commander-option.ts";
import type { History } from "./history/history.ts";
import { formatProgress, formatReport } from "./report.ts";
import { runFaults } from "./run.ts";
import type { RunReport, Topology } from "./run-report.ts";

interface Options {
  readonly minutes: number;
  readonly seed?: number;
  readonly topology: Topology | "all";
  readonly kinds?: readonly string[];
  readonly json?: string;
  readonly history?: string;
  readonly verbose?: boolean;
}

const TOPOLOGIES: readonly Topology[] = ["one", "cluster", "datacenters"];

const program = new Command("faults")
  .description(
    "injects faults into real processes by a schedule from a seed, and checks the promises of " +
      "both lanes",
  )
  .option("--minutes <m>", "how long things are broken, in all: the topologies share it", Number, 6)
  .option(
    "--seed <n>",
    "the schedule; default: a new one, which the report names",
    toPositiveInteger,
  )
  .addOption(
    new Option("--topology <name>", "what is broken")
      .choices([...TOPOLOGIES, "all"])
      .default("all"),
  )
  .option(
    "--kinds <text,text...>",
    "only faults that have one of these in their name: wire,kill -9 frontend",
    (text) => text.split(","),
  )
  .option("--json <file>", "the report for programs")
  .option(
    "--history <file>",
    "all responses to publishers and all that viewers saw, as JSON, to analyse a violation " +
      "(of several topologies: FILE.TOPOLOGY)",
  )
  .option("--verbose", "what the processes write to standard error");
/** When a line was last shown, where the output is not a terminal. */
let shownAt = 0;

program.parse();
// Processes that the run started end when this one exits, however it exits.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
// Not when the last timer has run: some wait for half a minute.
process.exit(await run(program.opts<Options>()));

async function run(options: Options): Promise<number> {
  const seed = options.seed ?? Math.floor(Math.random() * 1_000_000) + 1;
  const reports: RunReport[] = [];
  let allRan = true;
  const topologies = options.topology === "all" ? TOPOLOGIES : [options.topology];
  for (const topology of topologies) {
    console.log(`\n── ${topology}, seed ${seed} ${"─".repeat(40)}`);
    try {
      const report = await runOne(
        options,
        topology,
        seed,
        (options.minutes * 60_000) / topologies.length,
      );
      console.log(`${process.stdout.isTTY ? "\n" : ""}\n${formatReport(report)}`);
      reports.push(report);
    } catch (error) {
      // The other topologies run in any case; this one counts as failed.
      console.error(
        `\nthe run could not be finished: ${error instanceof Error ? error.stack : String(error)}`,
      );
      allRan = false;
    }
    // After each, so that a later failure does not lose the earlier reports.
    write(options.json, reports);
  }
  return allRan && reports.every(({ ok }) => ok) ? 0 : 1;
}

function runOne(
  options: Options,
  topology: Topology,
  seed: number,
  durationMs: number,
): Promise<RunReport> {
  return runFaults({
    topology,
    seed,
    durationMs,
    ...(options.kinds === undefined ? {} : { kinds: options.kinds }),
    onHistory: (history) =>
      writeHistory(
        options.topology === "all" ? suffixed(options.history, topology) : options.history,
        history,
      ),
    onProgress: (progress) => show(formatProgress(progress, durationMs)),
    ...(options.verbose
      ? { onLine: (name: string, line: string) => console.error(`${name}: ${line}`) }
      : {}),
  });
}

/** One file for each run. */
function suffixed(file: string | undefined, suffix: string): string | undefined {
  return file === undefined ? undefined : `${file}.${suffix}`;
}

function write(file: string | undefined, value: unknown): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(value)}\n`);
}

/** Viewer by viewer: the history of half an hour does not fit into one text. */
function writeHistory(
  path: string | undefined,
  { publishes, viewers, log, ...rest }: History,
): void {
  if (path === undefined) return;
  const file = openSync(path, "w");
  writeSync(
    file,
    `${JSON.stringify(rest).slice(0, -1)},\n"publishes":${JSON.stringify(publishes)},\n"log":{`,
  );
  for (const [index, [topic, events]] of [...log].entries())
    writeSync(
      file,
      `${index === 0 ? "" : ",\n"}${JSON.stringify(topic)}:${JSON.stringify(events)}`,
    );
  writeSync(file, '},\n"viewers":[');
  for (const [index, viewer] of viewers.entries())
    writeSync(
      file,
      `${index === 0 ? "" : ",\n"}${JSON.stringify({ ...viewer, entries: [...viewer.entries] })}`,
    );
  writeSync(file, "]}\n");
  closeSync(file);
}

/** One line that is overwritten; where the output is not a terminal, one every ten seconds. */
function show(line: string): void {
  if (process.stdout.isTTY)
    process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns || 120) - 1)}`);
  else if (performance.now() - shownAt > 10_000) {
    shownAt = performance.now();
    console.log(line);
  }
}
