/** Reads how many tests a runner ran from what it wrote. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Skipped and postponed tests. There are to be none. */
  readonly skipped: number;
}

/** The summary of `bun test`: lines ` 12 pass`, ` 1 fail`, ` 2 skip`, ` 1 todo`, ` 1 error`. */
export function countBunTests(output: string): Counts {
  const last = (word: string) =>
    Number([...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))].at(-1)?.[1] ?? 0);
  // An error outside of any test (a file that does not load) counts among `fail` as well.
  return {
    passed: last("pass"),
    failed: Math.max(last("fail"), last("errors?")),
    skipped: last("skip") + last("todo"),
  };
}

/**
 * `stats` of Playwright's JSON report. A flaky test passed on a retry: it counts, and is named by
 * the runner.
 */
export function countPlaywrightTests(report: unknown): Counts {
  const stats = isObject(report) && isObject(report.stats) ? report.stats : {};
  const number = (name: string) => (typeof stats[name] === "number" ? stats[name] : 0);
  return {
    passed: number("expected") + number("flaky"),
    failed: number("unexpected"),
    skipped: number("skipped"),
  };
}

/**
 * The verdict on one stage: a runner that ended badly failed, whatever it counted; one that ran no
 * test failed; a skipped test failed.
 */
export function judge(
  counts: Counts,
  exitCode: number,
): { readonly passed: number; readonly failed: number; readonly reason: string } {
  let failed = counts.failed + counts.skipped;
  const reasons: string[] = [];
  if (counts.failed > 0) reasons.push(`${counts.failed} failed`);
  if (counts.skipped > 0) reasons.push(`${counts.skipped} skipped, which counts as failed`);
  if (exitCode !== 0 && failed === 0) {
    failed = 1;
    reasons.push(`the runner ended with code ${exitCode}`);
  }
  if (counts.passed + counts.failed === 0 && failed === 0) {
    failed = 1;
    reasons.push("no test ran");
  }
  return { passed: counts.passed, failed, reason: reasons.join(", ") };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
