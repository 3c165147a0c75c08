/**
 * `npm run bench -- NAME… [--quick] [--minutes N] [--frontends N,N] [--only PART,PART]
 * [--json FILE]`, `npm run bench -- --list`.
 *
 * A benchmark is one file in `load/benchmarks/`.
 */
import { readdir } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Benchmark } from "./harness/benchmark.ts";
import { type BenchResult, runBenchmark } from "./harness/run.ts";
import { count } from "./report.ts";

const FOLDER = new URL("./benchmarks/", import.meta.url);

async function benchmarkNames(): Promise<string[]> {
  const files = await readdir(fileURLToPath(FOLDER));
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -3))
    .sort();
}

async function benchmarkNamed(name: string): Promise<Benchmark> {
  const module: { default: Benchmark } = await import(new URL(`${name}.ts`, FOLDER).href);
  return module.default;
}

function machine(): string {
  const cores = cpus();
  return (
    `${cores.length} × ${cores[0]?.model.trim() ?? "?"}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Bun ${Bun.version}`
  );
}

const USAGE =
  "npm run bench -- NAME… | all   [--quick] [--minutes N] [--frontends N,N] [--only PART,PART] " +
  "[--json FILE] | --list\n";
const FRONTENDS_MAX = 5000;

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      list: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      minutes: { type: "string" },
      frontends: { type: "string", multiple: true },
      only: { type: "string", multiple: true },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

/** `--only a,b --only c` → a, b, c */
function listOf(values: readonly string[] | undefined): readonly string[] | undefined {
  return values?.flatMap((value) => value.split(",")).filter((value) => value !== "");
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const known = await benchmarkNames();
  if (values.list || values.help || positionals.length === 0) {
    console.log(USAGE);
    for (const name of known)
      console.log(`  ${name.padEnd(18)}${(await benchmarkNamed(name)).about}`);
    return values.list || values.help ? 0 : 2;
  }
  const names = positionals.includes("all") ? known : positionals;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`no benchmark ${unknown.join(", ")}: see --list`);
    return 2;
  }
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0)) {
    console.error("--minutes takes a number above 0: how long a soak lasts");
    return 2;
  }
  const frontends = listOf(values.frontends)?.map(Number);
  if (
    frontends?.every((one) => Number.isInteger(one) && one > 0 && one <= FRONTENDS_MAX) === false
  ) {
    console.error(
      `--frontends takes numbers from 1 to ${count(FRONTENDS_MAX)}: --frontends 10,100`,
    );
    return 2;
  }
  const only = listOf(values.only);
  const parts = (await Promise.all(names.map(benchmarkNamed))).flatMap(({ parts = [] }) => parts);
  const unknownParts = only?.filter((part) => !parts.includes(part)) ?? [];
  if (unknownParts.length > 0) {
    const has = parts.length === 0 ? "has no parts" : `has ${parts.join(", ")}`;
    console.error(`no part ${unknownParts.join(", ")}: ${names.join(", ")} ${has}`);
    return 2;
  }
  console.log(
    `${new Date().toISOString()}  ` +
      `${machine()}${values.quick ? "  quick: sizes too small for figures" : ""}`,
  );
  const results: BenchResult[] = [];
  for (const name of names) {
    const benchmark = await benchmarkNamed(name);
    console.log(`\n${benchmark.name}: ${benchmark.about}`);
    results.push(
      await runBenchmark(benchmark, { quick: values.quick, minutes, frontends, only }, (line) =>
        console.log(line),
      ),
    );
  }
  if (values.json !== undefined)
    await Bun.write(
      values.json,
      `${JSON.stringify({ machine: machine(), results }, undefined, 2)}\n`,
    );
  return results.every((result) => result.ok) ? 0 : 1;
}

process.exit(await main());
