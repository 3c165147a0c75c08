import { expect, test } from "bun:test";
import type { Entry, History, Injected } from "../history/history.ts";
import { checkViewerCounts } from "./viewer-count-checker.ts";

const TOPIC = "video:counted";
const VIEWERS = 12;

const connected: Entry = { kind: "connected", at: 0, frontend: "f" };
const told = (viewers: number, at: number): Entry => ({
  kind: "viewers",
  topic: TOPIC,
  viewers,
  at,
});

function planted(
  entries: readonly Entry[],
  faults: readonly Injected[] = [],
  atEnd: History["atEnd"] = [],
): readonly string[] {
  const found: string[] = [];
  checkViewerCounts(
    {
      publishes: [],
      log: new Map(),
      likes: [],
      lostAtStop: [],
      faults,
      atEnd,
      counted: { topic: TOPIC, viewers: VIEWERS },
      viewers: [
        {
          name: "one",
          form: "sdk",
          topics: [TOPIC],
          entries: [connected, ...entries],
          presentAtEnd: true,
        },
      ],
    },
    (kind) => found.push(kind),
  );
  return found;
}

const fault = (kind: string, from: number, to: number): Injected => ({
  kind,
  target: "east/frontend-0",
  from,
  to,
});

test("the right number, and one that is too low for a while, are no violation", () => {
  expect(planted([told(12, 1000), told(7, 2000), told(12, 9000)])).toEqual([]);
});

test("a number too high is a viewer that moves, and after two reports a violation", () => {
  expect(planted([told(12, 1000), told(18, 2000), told(12, 4000)])).toEqual([]);
  expect(planted([told(12, 1000), told(18, 2000), told(12, 8000)])).toEqual(["counted-twice"]);
  // Several wrong numbers in a row are one stretch.
  expect(planted([told(18, 2000), told(17, 3500), told(14, 4600), told(12, 5000)])).toEqual([
    "counted-twice",
  ]);
});

test("a killed frontend counts until its lease ends where a dispatcher is dead too", () => {
  const killed = fault("kill -9 frontend", 1500, 1900);
  const until = (at: number, faults: readonly Injected[]) =>
    planted([told(12, 1000), told(18, 2000), told(12, at)], faults);
  expect(until(4400, [killed])).toEqual([]);
  expect(until(4600, [killed])).toEqual(["counted-twice"]);
  const dispatcher = (target: string, from: number, to: number): Injected => ({
    kind: "kill -9 dispatcher",
    target,
    from,
    to,
  });
  const beside = [killed, dispatcher("east/dispatcher-1", 1000, 1400)];
  expect(until(8000, beside)).toEqual([]);
  expect(until(11_400, beside)).toEqual([]);
  expect(until(11_600, beside)).toEqual(["counted-twice"]);
  // One of another data centre, or long before.
  const elsewhere = dispatcher("west/dispatcher-1", 1000, 1400);
  expect(until(8000, [killed, elsewhere])).toEqual(["counted-twice"]);
  const before = dispatcher("east/dispatcher-1", -4000, -3000);
  expect(until(8000, [killed, before])).toEqual(["counted-twice"]);
  // It was wrong before the kill.
  expect(planted([told(18, 1000), told(12, 8000)], beside)).toEqual(["counted-twice"]);
});

test("other deaths do not excuse it, a frontend that cannot speak does", () => {
  const twice = [told(12, 1000), told(18, 2000), told(12, 8000)];
  expect(planted(twice, [fault("kill -9 dispatcher", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("SIGTERM frontend", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("wire to redis reset", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("wire to postgres slow", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("redis FLUSHALL", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("pause frontend", 1500, 1900)])).toEqual([]);
  expect(planted(twice, [fault("wire to redis slow", 1500, 1900)])).toEqual([]);
  // Long before, or afterwards.
  const later = twice.map((entry) => ({ ...entry, at: entry.at + 20_000 }));
  expect(planted(later, [fault("pause frontend", 1500, 1900)])).toEqual(["counted-twice"]);
  expect(planted(twice, [fault("pause frontend", 6000, 7000)])).toEqual(["counted-twice"]);
});

test("a number of a connection that has ended is no violation", () => {
  expect(planted([told(18, 2000), { kind: "disconnected", at: 3000 }, told(12, 9000)])).toEqual([]);
});

test("a wrong number at the end, at a viewer or in the answer of a process", () => {
  expect(planted([told(12, 1000), told(11, 2000)])).toEqual(["count-wrong"]);
  const said = (viewers: number) => [
    { process: "east/comments-0", topic: TOPIC, likes: 0, viewers },
  ];
  expect(planted([told(12, 1000)], [], said(11))).toEqual(["count-wrong"]);
  expect(planted([told(12, 1000)], [], said(12))).toEqual([]);
});
