/**
 * Every limit has a test of what happens at it: a constant whose name says `_MAX` is named in a
 * test file, which imports it, or a test is given for it below. A new limit without one fails here.
 */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const DECLARED = /\bconst ([A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?)\b/g;
const NAMED = /\b[A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?\b/g;
const IMPORTED = /\bfrom\s+"([^"]+)"/g;
const TEST = /\.(test|contract|browser)\.ts$|(^|\/)(testing|browser-tests|webkit-tests)\//;
/** Tools, not the product. */
const TOOL = /\.(bench|fuzz)\.ts$|^(scripts|simulation|load|ovation\/faults|ovation\/demo)\//;

/** Limits whose tests reach them by what they do: `CONSTANT: [file, a part of the test's name]`. */
const HELD_BY: Readonly<Record<string, readonly [file: string, name: string]>> = {
  SHOWN_CHARACTERS_MAX: ["protocol/exact-json.test.ts", "refused, by its path"],
  LINK_WAITING_DURABLE_BYTES_MAX: [
    "dispatcher/links/link.test.ts",
    "LINK_WAITING_DURABLE_EVENTS_MAX, …_BYTES_MAX",
  ],
  NONCES_MAX: ["dispatcher/internal/auth.test.ts", "the memory of calls is bounded"],
  KEYS_MAX: ["table/shared-memory.test.ts", "under a flood of keys the oldest are evicted"],
  VIEWER_BODY_BYTES_MAX: ["comments/comments.test.ts", "a body without a length is cut off"],
  LIKES_PER_REQUEST_MAX: ["comments/videos/videos.test.ts", "other kinds and counts are refused"],
  STEP_ENTRIES_MAX: ["protocol/caches/cache.test.ts", "evicted even if no value is added"],
  SWEEP_KEYS_MAX: ["table/shared-memory.test.ts", "expired keys are evicted"],
  NEW_COUNT_SHOWN_MAX: [
    "web/browser-tests/list.browser.ts",
    "scrolling up pauses, the pill counts",
  ],
  ROUNDS_MAX: ["dispatcher/links/arrival.test.ts", "waits for two later ones"],
};

const files = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
})
  .stdout.toString()
  .split("\n")
  .filter((file) => file.endsWith(".ts") && Bun.file(join(ROOT, file)).size > 0);

interface Limit {
  readonly file: string;
  readonly name: string;
}

function text(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

const limits: readonly Limit[] = files
  .filter((file) => !TEST.test(file) && !TOOL.test(file))
  .flatMap((file) => [...text(file).matchAll(DECLARED)].map(([, name = ""]) => ({ file, name })));
const names = new Set(limits.map(({ name }) => name));

/** What each test imports, as files; of a package, the folder. */
const tests = files
  .filter((file) => TEST.test(file) && file !== "scripts/limits.test.ts")
  .map((file) => {
    const code = text(file);
    const imported = [...code.matchAll(IMPORTED)].map(([, from = ""]) =>
      from.startsWith("@ovation/")
        ? `${from.split("/")[1]}/`
        : join(dirname(file), from.startsWith(".") ? from : ""),
    );
    return { names: new Set(code.match(NAMED) ?? []), imported };
  });

/** Several files may have a limit of one name: the test is of the one whose file it imports. */
function isTested({ file, name }: Limit): boolean {
  return (
    Object.hasOwn(HELD_BY, name) ||
    tests.some(
      (each) =>
        each.names.has(name) &&
        each.imported.some(
          (from) => from === file || (from.endsWith("/") && file.startsWith(from)),
        ),
    )
  );
}

test("every limit is imported and named by a test, or a test is given for it", () => {
  expect(names.size).toBeGreaterThan(100);
  const untested = limits.filter((limit) => !isTested(limit));
  expect(untested.map(({ file, name }) => `${file} ${name}`)).toEqual([]);
});

test("the tests that are given for limits are there", () => {
  for (const [limit, [file, name]] of Object.entries(HELD_BY)) {
    expect([limit, names.has(limit)]).toEqual([limit, true]);
    expect([limit, text(file).includes(name)]).toEqual([limit, true]);
  }
});
