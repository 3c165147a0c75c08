import { describe, expect, test } from "bun:test";
import { DEFAULT_POLICY, type Event, Problem, toJsonText, topicOf } from "@ovation/protocol";
import { createManualClock, settle } from "../testing/manual-clock.ts";
import { DurableWriter, type WriteEntry } from "./durable-writer.ts";
import { type Appended, LogUnavailableError } from "./log.ts";
import { MemoryLog } from "./log-memory.ts";
import { Outbox } from "./outbox.ts";

const topic = topicOf("video", "a");

function entry(text: string, more: Partial<WriteEntry> = {}): WriteEntry {
  return { topic, type: "comment", at: 1, data: toJsonText(text), ...more };
}

function open(publishError?: () => unknown) {
  const log = new MemoryLog({ clock: createManualClock(), policy: DEFAULT_POLICY });
  const batches: Event[][] = [];
  const writer = new DurableWriter({
    log,
    async publish(events) {
      batches.push([...events]);
      const error = publishError?.();
      if (error !== undefined) throw error;
    },
  });
  const shown = () =>
    batches.map((batch) => batch.map(({ data, place }) => `${place?.seq ?? "live"} ${data}`));
  return { log, writer, batches, shown };
}

describe("the write path", () => {
  test("what was appended is published, with its place, after the commit", async () => {
    const { log, writer, batches, shown } = open();
    const written = await writer.write([entry("x"), entry("y")]);
    expect(written.map((one) => one?.place.seq)).toEqual([1, 2]);
    expect(shown()).toEqual([['1 "x"', '2 "y"']]);
    const { events } = await log.read(topic, { limit: 10 });
    expect(batches[0]).toEqual([...events]);
  });

  test("a retry is stored and published once, and answered with the first place", async () => {
    const { writer, shown } = open();
    await writer.write([entry("x", { key: "k" })]);
    const [again] = await writer.write([entry("x", { key: "k" })]);
    expect([again?.duplicate, again?.place.seq]).toEqual([true, 1]);
    await writer.write([entry("x", { key: "k" }), entry("y", { key: "l" })]);
    expect(shown()).toEqual([['1 "x"'], ['2 "y"']]);
  });

  test("a live event is published in its turn, and not stored", async () => {
    const { log, writer, shown } = open();
    const live = { only: "publish" } as const;
    const written = await writer.write([entry("a", live), entry("b"), entry("c", live)]);
    expect(written.map((one) => one?.place.seq)).toEqual([undefined, 1, undefined]);
    expect(shown()).toEqual([['live "a"', '1 "b"', 'live "c"']]);
    await writer.write([entry("d", live)]);
    expect(shown()[1]).toEqual(['live "d"']);
    expect((await log.read(topic, { limit: 10 })).events).toHaveLength(1);
  });

  test("an entry of a topic without subscribers is stored, and not published", async () => {
    const { log, writer, batches } = open();
    const [one] = await writer.write([entry("x", { only: "store" })]);
    expect(one?.place.seq).toBe(1);
    expect((await log.read(topic, { limit: 10 })).events).toHaveLength(1);
    expect(batches).toEqual([]);
  });

  test("nothing is published where the append fails", async () => {
    const batches: unknown[] = [];
    const writer = new DurableWriter({
      log: { append: () => Promise.reject(new LogUnavailableError("away")) },
      publish: (events) => void batches.push(events),
    });
    await expect(
      writer.write([entry("x"), entry("y", { only: "publish" })]),
    ).rejects.toBeInstanceOf(LogUnavailableError);
    expect(batches).toEqual([]);
  });

  test("a failed publish concerns the caller only where a live event is lost with it", async () => {
    const unavailable = new Problem("unavailable");
    const { writer, log } = open(() => unavailable);
    expect((await writer.write([entry("x")]))[0]?.place.seq).toBe(1);
    await expect(writer.write([entry("y"), entry("z", { only: "publish" })])).rejects.toBe(
      unavailable,
    );
    expect((await log.read(topic, { limit: 10 })).events).toHaveLength(2);
    const mistake = new TypeError("a mistake");
    await expect(open(() => mistake).writer.write([entry("x")])).rejects.toBe(mistake);
  });

  test("concurrent calls are published in the order of their commits", async () => {
    const commits: ((appended: readonly Appended[]) => void)[] = [];
    const published: (number | undefined)[] = [];
    const outbox = new Outbox({
      async publish(events) {
        published.push(...events.map(({ place }) => place?.seq));
      },
      onDropped: () => undefined,
    });
    const writer = new DurableWriter({
      log: { append: () => new Promise((resolve) => commits.push(resolve)) },
      publish: (events) => {
        for (const event of events) outbox.push(event);
      },
    });
    const calls = ["x", "y", "z"].map((text) => writer.write([entry(text)]));
    const appended = (seq: number) => [
      { place: { seq, epoch: "e", stamp: seq }, at: 1, duplicate: false },
    ];
    commits[2]?.(appended(1));
    await settle();
    commits[0]?.(appended(2));
    commits[1]?.(appended(3));
    await Promise.all(calls);
    await outbox.idle();
    expect(published).toEqual([1, 2, 3]);
  });

  test("a log that returns too few results is a mistake, not a lost event", async () => {
    const writer = new DurableWriter({
      log: { append: async () => [] },
      publish: () => undefined,
    });
    await expect(writer.write([entry("x")])).rejects.toThrow("no result");
  });
});
