import { expect, test } from "bun:test";
import { parseBatch } from "../batch.ts";
import { type Plan, slotOf, streamOf, streamOfSlot, topicName, topicsOf } from "../plan.ts";
import { TARGETS } from "../targets/mod.ts";
import { fillerText, formatMark, parseMark } from "./marker.ts";

const MARK = { run: "abc123", stream: 70, seq: 1000, sentUs: 1_795_416_978_877_861 };

test("a mark is parsed as it was formatted", () => {
  expect(parseMark(formatMark(MARK).slice(2, -2))).toEqual(MARK);
  expect(parseMark("abc123.1.0.5")).toBeUndefined();
  expect(parseMark("someone@@example")).toBeUndefined();
});

test("filler reads like comments, is as long as asked, and needs no escaping in JSON", () => {
  const text = fillerText(200, 3);
  expect(text).toHaveLength(200);
  expect(JSON.stringify(text)).toBe(`"${text}"`);
  expect(fillerText(200, 4)).not.toBe(text);
});

test("every target carries the mark through its own envelope", () => {
  const settings = { token: "t", durable: true };
  for (const target of Object.values(TARGETS)) {
    const request = target.publish(
      [{ topic: "video:load-0", mark: formatMark(MARK), filler: "hello" }],
      settings,
    );
    const form = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const body = form ? (new URLSearchParams(request.body).get("data") ?? "") : request.body;
    expect({
      name: target.name,
      events: parseBatch(Buffer.from(`data: ${body}\n\n`), MARK.run).events,
    }).toEqual({
      name: target.name,
      events: 1,
    });
    expect(target.connectPath(["video:load-0"], settings)).toStartWith("/");
  }
});

test("events of another run, heartbeats and other types are told apart", () => {
  const foreign = `data: ${formatMark({ ...MARK, run: "zzz999" })}\n\n`;
  const text =
    `${foreign}: beat\n\nid: 7\nevent: stats\ndata: {"viewers":3}\n\nretry: 250\n\nid: ` +
    `8\ndata: ${formatMark(MARK)}\n\n`;
  expect(parseBatch(Buffer.from(text), MARK.run)).toMatchObject({
    events: 1,
    others: 2,
    retryMs: 250,
    lastId: "8",
    reconnect: false,
  });
});

test("a request to reconnect has its delay", () => {
  const text = 'event: reconnect\ndata: {"topic":"","at":0,"data":{"afterMs":1234}}\n\n';
  expect(parseBatch(Buffer.from(text), MARK.run)).toMatchObject({ reconnect: true, retryMs: 1234 });
});

test("each stream of a connection has its slot, and others have none", () => {
  const plan: Plan = { topics: 7, topicPrefix: "video:t-", topicsPerConnection: 3, publishers: 2 };
  for (let connection = 0; connection < 20; connection++) {
    const topics = topicsOf(plan, connection);
    const slots = new Set<number>();
    for (let topic = 0; topic < plan.topics; topic++) {
      for (let publisher = 0; publisher < plan.publishers; publisher++) {
        const stream = streamOf(plan, topic, publisher);
        const slot = slotOf(plan, connection, stream);
        expect(slot >= 0).toBe(topics.includes(topic));
        if (slot < 0) continue;
        slots.add(slot);
        expect(streamOfSlot(plan, connection, slot)).toBe(stream);
      }
    }
    expect(slots.size).toBe(6);
  }
  expect(topicName(plan, 3)).toBe("video:t-3");
});
