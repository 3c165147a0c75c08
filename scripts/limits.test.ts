/**
 * Every limit has a test of what happens at it: a constant whose name says `_MAX` is named in a test
 * file, which imports it, or a test is given for it below. A new limit without one fails here.
 */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const DECLARED = /\bconst ([A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?)\b/g;
const TEST = /\.(test|contract|browser)\.ts$|(^|\/)(testing|browser-tests)\//;
/** Tools, not the product. */
const TOOL = /\.(bench|fuzz)\.ts$|^(scripts|simulation|load|ovation\/faults|ovation\/demo)\//;

/** Limits whose tests reach them by what they do: `CONSTANT: [file, a part of the test's name]`. */
const HELD_BY: Readonly<Record<string, readonly [file: string, name: string]>> = {
  SHOWN_CHARACTERS_MAX: ["protocol/exact-json.test.ts", "refused, by its path"],
  LINK_WAITING_DURABLE_BYTES_MAX: [
    "dispatcher/link-sender.test.ts",
    "LINK_WAITING_DURABLE_EVENTS_MAX and …_BYTES_MAX",
  ],
  NONCES_MAX: ["dispatcher/internal-auth.test.ts", "the memory of calls is bounded"],
  KEYS_MAX: ["table/shared-memory.test.ts", "under a flood of keys the oldest are forgotten"],
  VIEWER_BODY_BYTES_MAX: ["comments/comments.test.ts", "a body without a length is cut off"],
  LIKES_PER_REQUEST_MAX: ["comments/videos.test.ts", "other kinds and counts are refused"],
  STEP_ENTRIES_MAX: ["protocol/recent.test.ts", "evicted though no other value comes"],
  SWEEP_KEYS_MAX: ["table/shared-memory.test.ts", "expired keys are evicted"],
  NEW_COUNT_SHOWN_MAX: [
    "web/browser-tests/list.browser.ts",
    "scrolling up pauses, the pill counts",
  ],
  LEVELS_MAX: [
    "dispatcher/publish-route.test.ts",
    "in the form that JSON.stringify writes is held to the same rules",
  ],
  ROUNDS_MAX: ["dispatcher/link-arrival.test.ts", "waits for two later ones"],
};

/**
 * Limits that had no such test when this rule came. The list only gets shorter: what is tested leaves it.
 */
const NOT_YET: ReadonlySet<string> = new Set(
  readFileSync(join(import.meta.dir, "limits-not-yet.txt"), "utf8")
    .trim()
    .split("\n"),
);

const files = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
})
  .stdout.toString()
  .split("\n")
  .filter((file) => file.endsWith(".ts") && Bun.file(join(ROOT, file)).size > 0);

function text(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

const limits = new Set(
  files
    .filter((file) => !TEST.test(file) && !TOOL.test(file))
    .flatMap((file) => [...text(file).matchAll(DECLARED)].map(([, name = ""]) => name)),
);
const named = new Set(
  files
    .filter((file) => TEST.test(file) && file !== "scripts/limits.test.ts")
    .flatMap((file) => text(file).match(/\b[A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?\b/g) ?? []),
);

test("every limit is named in a test, or a test is given for it", () => {
  expect(limits.size).toBeGreaterThan(100);
  const untested = [...limits].filter(
    (name) => !named.has(name) && !Object.hasOwn(HELD_BY, name) && !NOT_YET.has(name),
  );
  expect(untested).toEqual([]);
});

test("the tests that are given for limits are there", () => {
  for (const [limit, [file, name]] of Object.entries(HELD_BY)) {
    expect([limit, limits.has(limit)]).toEqual([limit, true]);
    expect([limit, text(file).includes(name)]).toEqual([limit, true]);
  }
});

test("what is tested or gone is not on the list of those that are not yet", () => {
  const stale = [...NOT_YET].filter(
    (name) => !limits.has(name) || named.has(name) || Object.hasOwn(HELD_BY, name),
  );
  expect(stale).toEqual([]);
});
