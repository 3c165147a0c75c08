/**
 * `npm test`: everything, in stages, with what it needs installed first. Ends with the line
 * `N passed, N failed`, and with code 0 only when every stage ran and nothing failed.
 *
 *     npm test                                 all stages
 *     npm test -- --only bun frontend/hub      bun tests of files whose path contains frontend/hub
 *     npm test -- --only types,lint
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { provideRequirements, type StageName } from "./requirements.ts";
import { runLive } from "./run-live.ts";
import { type Counts, countBunTests, countPlaywrightTests, judge } from "./test-counts.ts";

const ROOT = join(import.meta.dir, "..");
const STAGES: readonly StageName[] = ["types", "lint", "bun", "browser", "webkit"];

interface Options {
  readonly stages: ReadonlySet<StageName>;
  /** Only test files whose path contains one of these. */
  readonly paths: readonly string[];
}

interface StageResult {
  readonly stage: StageName | "set-up";
  readonly passed: number;
  readonly failed: number;
  readonly reason: string;
  readonly seconds: number;
}

const RUNS: Readonly<
  Record<
    StageName,
    (paths: readonly string[]) => Promise<{ readonly counts: Counts; readonly exitCode: number }>
  >
> = {
  async types() {
    const check = (file: string) => runLive(bin("tsc"), ["-p", file]);
    const server = await check("tsconfig.json");
    const browser = await check("tsconfig.browser.json");
    return asOneTest(server.exitCode === 0 ? browser.exitCode : server.exitCode);
  },

  async lint() {
    const parameters = ["ci", "--error-on-warnings", "."];
    const result = await runLive(bin("biome"), parameters);
    return asOneTest(result.exitCode);
  },

  async bun(paths) {
    // Two files at a time on two cores, and no other stage beside them. Three files took 397 s in
    // place of 483, and one run in three exceeded the time bound of some test.
    const parameters = [
      "test",
      "--parallel=2",
      "--no-orphans",
      "--timeout=30000",
      "--path-ignore-patterns=**/browser-tests/**",
      ...paths,
    ];
    const command = [join(ROOT, "ovation/bin/bun"), ...parameters];
    const result = await runLive("sh", command);
    return { counts: countBunTests(result.output), exitCode: result.exitCode };
  },

  async browser(paths) {
    const directory = mkdtempSync(join(tmpdir(), "ovation-browser-tests-"));
    const report = join(directory, "report.json");
    try {
      const environment = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: report };
      const result = await runLive(
        bin("playwright"),
        ["test", "--reporter=list,json", ...paths],
        environment,
      );
      const counts = existsSync(report)
        ? countPlaywrightTests(JSON.parse(readFileSync(report, "utf8")))
        : { passed: 0, failed: 0, skipped: 0 };
      return { counts, exitCode: result.exitCode };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },

  async webkit(paths) {
    const all = [...new Glob("*/webkit-tests/*.webkit.ts").scanSync(ROOT)].sort();
    const files = all.filter(
      (file) => paths.length === 0 || paths.some((path) => file.includes(path)),
    );
    if (files.length === 0)
      throw new Error(`no WebKit test has one of these in its path: ${paths}`);
    const options = ["--no-orphans", "--timeout=60000"];
    const command = [join(ROOT, "ovation/bin/bun"), "test", ...options];
    command.push(...files.map((file) => `./${file}`));
    const result = await runLive("sh", command);
    return { counts: countBunTests(result.output), exitCode: result.exitCode };
  },
};

const started = performance.now();
const results: StageResult[] = [];
try {
  process.chdir(ROOT);
  const { stages, paths } = readOptions(process.argv.slice(2));
  await provideRequirements(stages);
  for (const stage of STAGES) if (stages.has(stage)) results.push(await runStage(stage, paths));
} catch (error) {
  results.push({
    stage: "set-up",
    passed: 0,
    failed: 1,
    reason: error instanceof Error ? error.message : String(error),
    seconds: 0,
  });
}
process.exitCode = report(results, (performance.now() - started) / 1000);

async function runStage(stage: StageName, paths: readonly string[]): Promise<StageResult> {
  console.log(`\n── ${stage} ${"─".repeat(Math.max(3, 70 - stage.length))}`);
  const from = performance.now();
  const { counts, exitCode } = await RUNS[stage](paths);
  return { stage, ...judge(counts, exitCode), seconds: (performance.now() - from) / 1000 };
}

/** Prints the table and the closing line; answers the exit code. */
function report(all: readonly StageResult[], seconds: number): number {
  const passed = all.reduce((sum, each) => sum + each.passed, 0);
  const failed = all.reduce((sum, each) => sum + each.failed, 0);
  console.log(`\n── ${Math.round(seconds)} s in all ${"─".repeat(58)}`);
  for (const each of all) {
    const mark = each.failed === 0 ? "ok  " : "FAIL";
    console.log(
      `${mark} ${each.stage.padEnd(8)} ${String(each.passed).padStart(5)} passed ` +
        `${String(Math.round(each.seconds)).padStart(5)} s  ${each.reason}`,
    );
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** The types are right or not, the lint is clean or not: one test each. */
function asOneTest(exitCode: number): { readonly counts: Counts; readonly exitCode: number } {
  return {
    counts: { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 },
    exitCode,
  };
}

function bin(name: string): string {
  return join(ROOT, "node_modules/.bin", name);
}

function readOptions(parameters: readonly string[]): Options {
  const stages = new Set<StageName>();
  const paths: string[] = [];
  for (let index = 0; index < parameters.length; index++) {
    const parameter = parameters[index] ?? "";
    if (parameter === "--only" || parameter.startsWith("--only=")) {
      const value =
        parameter === "--only" ? (parameters[++index] ?? "") : parameter.slice("--only=".length);
      for (const name of value.split(",")) stages.add(toStage(name));
    } else if (parameter.startsWith("-")) {
      throw new Error(`no option ${parameter}; there is --only ${STAGES.join("|")}`);
    } else {
      paths.push(parameter);
    }
  }
  return { stages: stages.size === 0 ? new Set(STAGES) : stages, paths };
}

function toStage(name: string): StageName {
  const stage = STAGES.find((each) => each === name);
  if (stage === undefined)
    throw new Error(`--only takes ${STAGES.join(", ")}, not ${JSON.stringify(name)}`);
  return stage;
}
