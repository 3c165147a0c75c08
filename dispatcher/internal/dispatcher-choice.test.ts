/** Which dispatcher a call goes to. */

import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { seededRandom } from "../../testing/random.ts";
import { AVOID_MS, DispatcherChoice } from "./dispatcher-choice.ts";

const URLS = ["http://a", "http://b", "http://c", "http://d"];
const failed = () => true;

function world(urls: readonly string[] = URLS) {
  const clock = createManualClock();
  return { clock, choice: new DispatcherChoice(urls, clock, seededRandom(1)) };
}

function spread(choice: DispatcherChoice, calls: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let call = 0; call < calls; call++) {
    const url = choice.pick();
    counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  return counts;
}

function fail(choice: DispatcherChoice, url: string): Promise<unknown> {
  return choice.run(url, () => Promise.reject(new Error("no response")), failed).catch(() => "");
}

test("calls spread over all dispatchers", () => {
  const counts = spread(world().choice, 4000);
  for (const url of URLS) expect(Math.abs((counts.get(url) ?? 0) - 1000)).toBeLessThan(150);
});

test("a dispatcher with calls in flight gets fewer", async () => {
  const { choice } = world();
  let finish = () => {};
  const slow = choice.run("http://a", () => new Promise<void>((done) => (finish = done)), failed);
  const share = (spread(choice, 4000).get("http://a") ?? 0) / 4000;
  // Only where both draws are it: 1 of 16.
  expect(share).toBeLessThan(0.1);
  finish();
  await slow;
  expect((spread(choice, 4000).get("http://a") ?? 0) / 4000).toBeGreaterThan(0.2);
});

test("after a rolling restart the dispatchers have the same share again", async () => {
  const { choice, clock } = world();
  for (const url of URLS) {
    await fail(choice, url);
    expect(spread(choice, 100).has(url)).toBe(false);
    await clock.advance(AVOID_MS.firstMs);
  }
  const counts = spread(choice, 4000);
  expect(Math.max(...counts.values()) / 1000).toBeLessThan(1.15);
});

test("a dispatcher that fails again is avoided for longer; a success resets", async () => {
  const { choice, clock } = world(["http://a", "http://b"]);
  async function avoidedMs(): Promise<number> {
    const from = clock.now();
    await fail(choice, "http://a");
    while (!spread(choice, 50).has("http://a")) await clock.advance(500);
    return clock.now() - from;
  }
  const waits: number[] = [];
  for (let count = 0; count < 7; count++) waits.push(await avoidedMs());
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  await choice.run("http://a", () => Promise.resolve(), failed);
  expect(await avoidedMs()).toBe(AVOID_MS.firstMs);
});

test("an error that the dispatcher reports does not make it avoided", async () => {
  const { choice } = world();
  const refused = choice.run(
    "http://a",
    () => Promise.reject(new Error("no")),
    () => false,
  );
  await refused.catch(() => undefined);
  expect(spread(choice, 100).has("http://a")).toBe(true);
});

test("where all are avoided or tried, one of them is called all the same", async () => {
  const { choice } = world(["http://a", "http://b"]);
  for (const url of ["http://a", "http://b"]) await fail(choice, url);
  expect(choice.pick(new Set(["http://a"]))).toBe("http://b");
  expect(["http://a", "http://b"]).toContain(choice.pick(new Set(["http://a", "http://b"])));
});

test("no dispatcher is an error of the caller", () => {
  expect(() => world([])).toThrow("at least one dispatcher");
});

test("a key has one dispatcher, and another one while that does not respond", async () => {
  const { choice, clock } = world();
  const others = new DispatcherChoice([...URLS].reverse(), clock, seededRandom(2));
  const home = choice.pickFor("video:42");
  expect(others.pickFor("video:42")).toBe(home);
  await fail(choice, home);
  const next = choice.pickFor("video:42");
  expect(next).not.toBe(home);
  expect(choice.pickFor("video:42", new Set([next]))).not.toBe(next);
  await clock.advance(AVOID_MS.firstMs);
  expect(choice.pickFor("video:42")).toBe(home);
});

test("learned dispatchers replace the seeds; one that stays is still avoided", async () => {
  const { choice } = world(["http://a", "http://seed"]);
  await fail(choice, "http://a");
  choice.learn(["http://a", "http://b"]);
  expect(choice.urls).toEqual(["http://a", "http://b"]);
  expect([...spread(choice, 50).keys()]).toEqual(["http://b"]);
  await fail(choice, "http://b");
  expect([...spread(choice, 50).keys()]).toEqual(["http://seed"]);
  choice.learn([]);
  expect(choice.urls).toEqual(["http://a", "http://seed"]);
});
