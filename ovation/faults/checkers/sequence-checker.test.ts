import { expect, test } from "bun:test";
import type { Entry } from "../history/history.ts";
import { check, type Verdict } from "./checker.ts";
import {
  durable,
  historyOf,
  planted,
  TOPIC,
  type Whole,
  wholeHistory,
} from "./testing/whole-history.ts";

const cut: Entry = { kind: "disconnected", at: 5500 };
const moved: Entry = { kind: "connected", at: 6100, frontend: "f2" };

test("a repetition at an SDK viewer, even one that moved", () => {
  expect(planted((whole) => void whole.sdk.push(durable(5)))).toEqual(["duplicate"]);
  expect(planted((whole) => void whole.sdk.push(cut, moved, durable(5)))).toEqual(["duplicate"]);
});

test("a repetition at a plain viewer that moved to another frontend is counted", () => {
  const whole = wholeHistory();
  whole.plain.push(cut, moved, durable(4), durable(5));
  expect(check(historyOf(whole))).toMatchObject({ violations: [], durable: { repeated: 2 } });
});

test("of what is older than that only where positions could not move on", () => {
  expect(
    planted(
      (whole) => void whole.plain.push(cut, moved, durable(2), durable(3), durable(4), durable(5)),
    ),
  ).toContain("duplicate");
  const whole = wholeHistory();
  whole.plain.push(cut, moved, durable(2), durable(3), durable(4), durable(5));
  whole.faults.push({ from: 2500, to: 4000 });
  expect(check(historyOf(whole))).toMatchObject({ violations: [], durable: { repeated: 4 } });
});

test("a network that went silent was cut then, and not when the viewer noticed", () => {
  const late: Entry = { kind: "disconnected", at: 9900 };
  const returned: Entry = { ...moved, at: 10_000 };
  const silent = (from: number, ...again: readonly Entry[]) => {
    const whole = wholeHistory();
    whole.plain.push(late, returned, ...again);
    whole.faults.push({ kind: "viewers half-open", from, to: 9900 });
    return check(historyOf(whole));
  };
  const lastSeconds = [3, 4, 5].map((seq) => durable(seq));
  expect(silent(5100, ...lastSeconds)).toMatchObject({
    violations: [],
    durable: { repeated: 3 },
  });
  const kinds = (verdict: Verdict) => new Set(verdict.violations.map(({ kind }) => kind));
  // What is older than the last seconds, or a connection that was quiet before it was cut.
  expect(kinds(silent(5100, durable(2), ...lastSeconds))).toContain("duplicate");
  expect(kinds(silent(8000, ...lastSeconds))).toContain("duplicate");
});

test("a frontend's death is the cut, though its viewers notice it later", () => {
  const late: Entry = { kind: "disconnected", at: 7500 };
  const killed = (from: number) => {
    const whole = wholeHistory();
    whole.plain.push(late, { ...moved, at: 8000 }, durable(3), durable(4), durable(5));
    whole.faults.push({ kind: "kill -9 frontend", from, to: 7900 });
    return check(historyOf(whole)).violations.map(({ kind }) => kind);
  };
  expect(killed(5100)).toEqual([]);
  expect(killed(7400)).toContain("duplicate");
});

test("a new viewer that moves may go back to before its start, as far as others", () => {
  /** Its start is after `head`. */
  const late = (head: number, ...seen: readonly Entry[]): Whole => {
    const whole = wholeHistory();
    whole.plain = [
      { kind: "connected", at: head * 1000 + 500, frontend: "f1" },
      { kind: "subscribed", topic: TOPIC, head, at: head * 1000 + 500 },
      ...whole.plain.filter((entry) => entry.kind === "event" && entry.at > head * 1000 + 500),
      cut,
      moved,
      ...seen,
    ];
    return whole;
  };
  expect(check(historyOf(late(4, durable(4), durable(5))))).toMatchObject({
    violations: [],
    durable: { repeated: 2 },
  });
  // An event without a publisher was committed after the number before it was sent.
  const unpublished = late(4, durable(4), durable(5));
  unpublished.publishes = unpublished.publishes.filter(({ key }) => key !== "d4");
  const kinds = (whole: Whole) => check(historyOf(whole)).violations.map(({ kind }) => kind);
  expect(kinds(unpublished)).toEqual(["not-published"]);
  expect(kinds(late(4, durable(2), durable(3), durable(4), durable(5)))).toContain("duplicate");
  // At the frontend where it was, and without a move, there is nothing before its start.
  const stayed = late(4, durable(4), durable(5));
  stayed.plain = stayed.plain.map((entry) =>
    entry === moved ? { ...entry, frontend: "f1" } : entry,
  );
  expect(kinds(stayed)).toContain("duplicate");
});

test("a repetition without a move, in the topic of its id, or out of order", () => {
  expect(planted((whole) => void whole.plain.push(durable(5)))).toEqual(["duplicate"]);
  expect(
    planted((whole) => void whole.plain.push(cut, { ...moved, frontend: "f1" }, durable(5))),
  ).toEqual(["duplicate"]);
  expect(
    planted((whole) => void whole.plain.push(cut, { ...moved, named: [TOPIC] }, durable(5))),
  ).toEqual(["duplicate"]);
  expect(planted((whole) => void whole.plain.push(cut, moved, durable(3), durable(5)))).toEqual([
    "lost",
  ]);
  expect(planted((whole) => void whole.plain.push(cut, moved, durable(4), durable(4)))).toEqual([
    "duplicate",
  ]);
});

test("what a move allowed holds until it came, over returns that are exact", () => {
  const left: Entry = { kind: "disconnected", at: 9000 };
  const back: Entry = { kind: "connected", at: 9100, frontend: "f2" };
  const lastSeconds = [4, 5].map((seq) => durable(seq));
  const seen = (...entries: readonly Entry[]) => {
    const whole = wholeHistory();
    whole.plain.push(...entries);
    const { violations, durable: counts } = check(historyOf(whole));
    return { kinds: violations.map(({ kind }) => kind), repeated: counts.repeated };
  };
  // Cut before anything of the topic came, or in the middle of what came again.
  expect(seen(cut, moved, left, back, ...lastSeconds)).toEqual({ kinds: [], repeated: 2 });
  expect(seen(cut, moved, durable(4), left, back, durable(5))).toEqual({ kinds: [], repeated: 2 });
  const elsewhere: Entry = { ...back, frontend: "f3" };
  expect(seen(cut, moved, durable(4), left, elsewhere, durable(5))).toMatchObject({ kinds: [] });
  // Not twice, and not further than the move allowed.
  expect(seen(cut, moved, ...lastSeconds, left, back, durable(5)).kinds).toEqual(["duplicate"]);
  expect(seen(cut, moved, left, back, durable(2)).kinds).toContain("duplicate");
  expect(seen(cut, moved, durable(4), left, elsewhere, durable(3)).kinds).toContain("duplicate");
});
