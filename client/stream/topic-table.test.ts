import { expect, test } from "bun:test";
import { formatPosition, parsePosition, systemClock, type Topic } from "@ovation/protocol";
import { type TopicSink, TopicTable } from "./topic-table.ts";

const topic = "video:42" as Topic;
const sink: TopicSink = { onEvent() {}, onSubscribed() {}, onReset() {}, onRefused() {} };
const newTable = () => new TopicTable(systemClock, Math.random, sink, () => {});

test("a first connection has no position", () => {
  const table = newTable();
  table.add(topic);
  expect(table.formatPositions()).toBeUndefined();
});

test("a returning client says so, also without a known position", () => {
  const table = newTable();
  table.add(topic);
  // A head without the log's epoch at it: nothing that could be recovered from.
  table.opened({ [topic]: { head: 3 } }, "");
  table.disconnected();
  expect(table.standing(topic)).toEqual({ seq: 3, position: undefined });
  expect(parsePosition(table.formatPositions() ?? "")).toEqual({ topics: new Map() });
});

test("a returning client sends its position", () => {
  const table = newTable();
  table.add(topic);
  const position = { seq: 3, epoch: "abc" };
  table.opened({ [topic]: { head: 3, epoch: "abc" } }, "");
  table.disconnected();
  expect(table.formatPositions()).toBe(formatPosition([[topic, position]]));
});

test("what is held without a head does not follow the head of another connection", () => {
  const seen: unknown[] = [];
  const table = new TopicTable(
    systemClock,
    Math.random,
    { ...sink, onEvent: ({ seq, data }) => seen.push([seq, data]) },
    () => {},
  );
  const receive = (seq: number, data: string, epoch: string) =>
    table.receive("comment", { topic, type: "comment", seq, at: 1, data }, idOf(seq, epoch));
  const idOf = (seq: number, epoch: string) => formatPosition([[topic, { seq, epoch }]]);
  // Unsubscribed and subscribed again: the server still has the topic, its answer is lost.
  table.add(topic);
  receive(6, "lost", "life1");
  table.disconnected();
  // A backup was restored meanwhile.
  table.opened({ [topic]: { head: 5 } }, idOf(5, "life2"));
  receive(6, "kept", "life2");
  expect(seen).toEqual([[6, "kept"]]);
  expect(table.standing(topic)?.position).toEqual({ seq: 6, epoch: "life2" });
});

test("totals of likes never fall, also when another frontend has fewer", () => {
  const seen: unknown[] = [];
  const table = new TopicTable(
    systemClock,
    Math.random,
    { ...sink, onEvent: ({ data }) => seen.push(data) },
    () => {},
  );
  table.add(topic);
  table.opened({ [topic]: { head: 0 } }, "");
  for (const data of [
    { like: 1, total: { like: 9 } },
    { like: 2, total: { like: 7, love: 1 } },
    { like: 1 },
    null,
    { like: 1, total: { like: 12 } },
  ])
    table.receive("likes", { topic, type: "likes", at: 1, data }, "");
  expect(seen).toEqual([
    { like: 1, total: { like: 9 } },
    { like: 2, total: { like: 9, love: 1 } },
    { like: 1 },
    null,
    { like: 1, total: { like: 12, love: 1 } },
  ]);
});
