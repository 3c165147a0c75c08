import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutColours } from "./run-live.ts";
import { countBunTests, countPlaywrightTests, judge } from "./test-counts.ts";

/** Runs the real `bun test` on one file of the given text, and counts its output. */
function countRealRun(source: string) {
  const directory = mkdtempSync(join(tmpdir(), "ovation-counts-"));
  try {
    writeFileSync(join(directory, "sample.test.ts"), source);
    const run = Bun.spawnSync([process.execPath, "test"], {
      cwd: directory,
      env: { ...process.env, FORCE_COLOR: "1" },
    });
    const output = withoutColours(`${run.stdout.toString()}${run.stderr.toString()}`);
    return { counts: countBunTests(output), exitCode: run.exitCode };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("counting bun tests", () => {
  test("passed, failed and skipped tests are told apart in what the runner really prints", () => {
    const { counts, exitCode } = countRealRun(`
      import { expect, test } from "bun:test";
      test("a", () => {});
      test("b", () => {});
      test("c", () => expect(1).toBe(2));
      test.skip("d", () => {});
      test.todo("e");
      console.log(" 99 pass in the middle of a line does not count");
    `);
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 2 });
    expect(exitCode).toBe(1);
  });

  test("a file that does not load is a failure", () => {
    const { counts, exitCode } = countRealRun(`throw new Error("no");`);
    expect(judge(counts, exitCode).failed).toBeGreaterThan(0);
  });

  test("a run without any test is a failure", () => {
    const { counts, exitCode } = countRealRun(`export {};`);
    expect(judge(counts, exitCode)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe("the verdict on a stage", () => {
  test("all passed", () => {
    expect(judge({ passed: 5, failed: 0, skipped: 0 }, 0)).toEqual({
      passed: 5,
      failed: 0,
      reason: "",
    });
  });
  test("a skipped test counts as failed", () => {
    expect(judge({ passed: 5, failed: 0, skipped: 1 }, 0)).toMatchObject({ passed: 5, failed: 1 });
  });
  test("a runner that dies after its last test failed", () => {
    expect(judge({ passed: 5, failed: 0, skipped: 0 }, 139)).toMatchObject({
      passed: 5,
      failed: 1,
    });
  });
  test("a runner that ends well without running anything failed", () => {
    expect(judge({ passed: 0, failed: 0, skipped: 0 }, 0)).toMatchObject({
      failed: 1,
      reason: "no test ran",
    });
  });
});

test("Playwright's JSON report is counted, a flaky test as passed", () => {
  expect(
    countPlaywrightTests({ stats: { expected: 7, flaky: 1, unexpected: 2, skipped: 3 } }),
  ).toEqual({
    passed: 8,
    failed: 2,
    skipped: 3,
  });
  expect(countPlaywrightTests({})).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
