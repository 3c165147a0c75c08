/**
 * What every form of the log does: the specification of `log.ts`, as tests. A form's own test file
 * calls {@link logContract} with a way to open it.
 */

import { describe, expect, test } from "bun:test";
import { type JsonText, type Topic, toJsonText } from "@ovation/protocol";
import { type Log, type LogEntry, LogUnavailableError } from "./log.ts";
import { keysContract } from "./log-keys.contract.ts";
import { modelContract } from "./log-model.contract.ts";
import { retentionContract } from "./log-retention.contract.ts";
import {
  appendMany,
  type ContractOptions,
  createWithLog,
  entry,
  freshTopic,
  never,
  type OpenLog,
  seqsOf,
  type WithLog,
} from "./testing/contract-log.ts";

export function logContract(name: string, open: OpenLog, options: ContractOptions): void {
  const withLog = createWithLog(open);

  describe(`a log in ${name}`, () => {
    keysContract(withLog, options);
    retentionContract(withLog, options);
    modelContract(withLog);
    appendContract(withLog);
    readContract(withLog);
    replaceContract(withLog);
    stampContract(withLog);
    headAtContract(withLog);
    lifeContract(withLog);
    writerContract(withLog);
  });
}

function appendContract(withLog: WithLog): void {
  describe("and what it stores", () => {
    test("numbers the events of a topic from 1 without a hole, each topic for itself", () =>
      withLog(async (log) => {
        const [a, b] = [freshTopic(), freshTopic()];
        const first = await log.append([entry(a, "1"), entry(b, "1"), entry(a, "2")]);
        expect(first.map((one) => one.place.seq)).toEqual([1, 1, 2]);
        const [next] = await log.append([entry(a, "3")]);
        expect(next?.place.seq).toBe(3);
        const page = await log.read(a, { after: 0, limit: 10 });
        expect(page.events.map((event) => event.data)).toEqual(
          ["1", "2", "3"].map((text) => toJsonText({ text })),
        );
        expect(page.head).toEqual({ topic: a, seq: 3, epoch: next?.place.epoch ?? "", first: 1 });
        expect(page.events[2]).toEqual({ ...entry(a, "3"), place: next?.place ?? never() });
      }));

    test("answers nothing for a topic that has no event, and for no entries", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        const head = { topic, seq: 0, epoch: "", first: 1 };
        expect(await log.read(topic, { limit: 10 })).toEqual({ events: [], head });
        expect(await log.heads([topic])).toEqual([{ ...head, stamp: 0 }]);
        expect(await log.append([])).toEqual([]);
      }));

    test("keeps any text as it is: quotes, escapes, emoji, 64 KB, and two equal events", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        const texts = [
          '"\\\n\r\t',
          "\u0000\u2028\ud83d\ude00",
          "'; DROP TABLE events; --",
          "{}",
          "x".repeat(64_000),
          "same",
          "same",
        ];
        await log.append(texts.map((text) => entry(topic, text)));
        const page = await log.read(topic, { after: 0, limit: 100 });
        expect(page.events.map((event) => JSON.parse(event.data).text)).toEqual(texts);
      }));

    test("refuses an entry that it could not store as it is, and stores nothing of its call", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        const wrong: Partial<LogEntry>[] = [
          { at: 1.5 },
          { at: -1 },
          { key: "a\0b" },
          { replace: { seq: 0, data: toJsonText({}) } },
          { data: '"\ud800"' as JsonText },
        ];
        for (const more of wrong)
          await expect(
            log.append([entry(topic, "good"), entry(topic, "bad", more)]),
          ).rejects.toThrow(TypeError);
        expect((await log.read(topic, { limit: 10 })).events).toEqual([]);
      }));
  });
}

function readContract(withLog: WithLog): void {
  describe("and its pages", () => {
    test("pages forward, backward and from the end, always ascending", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        await appendMany(log, topic, 25);
        const read = async (query: Parameters<Log["read"]>[1]) =>
          seqsOf((await log.read(topic, query)).events);
        expect(await read({ after: 0, limit: 3 })).toEqual([1, 2, 3]);
        expect(await read({ after: 23, limit: 10 })).toEqual([24, 25]);
        expect(await read({ after: 25, limit: 10 })).toEqual([]);
        expect(await read({ after: 99, limit: 10 })).toEqual([]);
        expect(await read({ before: 4, limit: 2 })).toEqual([2, 3]);
        expect(await read({ before: 1, limit: 2 })).toEqual([]);
        expect(await read({ limit: 2 })).toEqual([24, 25]);
        expect(await read({ after: 3, before: 7, limit: 10 })).toEqual([4, 5, 6]);
      }));

    test("reads only the types asked for", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        const types = ["comment", "comment", "pin", "comment", "comment-removed", "pin"];
        await log.append(types.map((type, index) => entry(topic, `${index}`, { type })));
        const read = async (query: Parameters<Log["read"]>[1]) =>
          seqsOf((await log.read(topic, query)).events);
        expect(await read({ types: ["pin"], limit: 1 })).toEqual([6]);
        expect(await read({ types: ["pin", "comment-removed"], after: 0, limit: 10 })).toEqual([
          3, 5, 6,
        ]);
        expect(await read({ types: ["comment", "pin"], after: 1, limit: 3 })).toEqual([2, 3, 4]);
        expect(await read({ types: ["comment", "pin"], before: 6, limit: 2 })).toEqual([3, 4]);
        expect(await read({ types: ["never-written"], limit: 10 })).toEqual([]);
        expect(await read({ types: [], limit: 10 })).toEqual([]);
        expect(await read({ types: ["pin", "pin"], limit: 10 })).toEqual([3, 6]);
      }));
  });
}

function replaceContract(withLog: WithLog): void {
  describe("and its replacements", () => {
    test("replaces the data of an earlier event with the append, and only then", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        await appendMany(log, topic, 3);
        const replacement = toJsonText({ text: "", removed: true });
        const [removal] = await log.append([
          entry(topic, "", {
            type: "comment-removed",
            key: "r",
            replace: { seq: 2, data: replacement },
          }),
        ]);
        expect(removal?.place.seq).toBe(4);
        const page = await log.read(topic, { after: 0, limit: 10 });
        expect(page.events[1]).toMatchObject({
          type: "comment",
          data: replacement,
          place: { seq: 2 },
        });
        // A duplicate does nothing, an event that is not there is no error, and none replaces
        // itself or what comes later.
        await log.append([entry(topic, "", { key: "r", replace: { seq: 1, data: replacement } })]);
        await log.append([
          entry(topic, "5", { replace: { seq: 5, data: replacement } }),
          entry(topic, "6", { replace: { seq: 900, data: replacement } }),
        ]);
        const after = await log.read(topic, { after: 0, limit: 10 });
        expect(after.events.map((event) => JSON.parse(event.data).text)).toEqual([
          "1",
          "",
          "3",
          "",
          "5",
          "6",
        ]);
        // The last of several stands, also within one call.
        await log.append(
          ["x", "y"].map((text) =>
            entry(topic, text, { replace: { seq: 1, data: toJsonText({ text }) } }),
          ),
        );
        expect((await log.read(topic, { after: 0, limit: 1 })).events[0]?.data).toBe(
          toJsonText({ text: "y" }),
        );
      }));
  });
}

function stampContract(withLog: WithLog): void {
  describe("and its stamps", () => {
    test("names the topics that changed since a stamp, in pages that miss none", () =>
      withLog(async (log) => {
        const topics = Array.from({ length: 7 }, () => freshTopic());
        const before = await log.changes(-1, 10);
        expect(before).toMatchObject({ heads: [], more: false });
        // Three commits: 3, 3 and 1 topics.
        for (const part of [topics.slice(0, 3), topics.slice(3, 6), topics.slice(6)])
          await log.append(part.map((topic) => entry(topic, "x")));
        const seen = new Set<Topic>();
        let since = before.stamp;
        for (let page = 0; page < 10; page++) {
          const changes = await log.changes(since, 2);
          for (const head of changes.heads) {
            expect(head).toMatchObject({ seq: 1, first: 1 });
            seen.add(head.topic);
          }
          expect(changes.stamp).toBeGreaterThanOrEqual(since);
          since = changes.stamp;
          if (!changes.more) break;
        }
        for (const topic of topics) expect(seen.has(topic)).toBe(true);
      }));

    test("gives stamps that never decrease, one to a commit, whatever topic", () =>
      withLog(async (log, clock, other) => {
        const stamps: number[] = [];
        for (let index = 0; index < 5; index++) {
          const [one, two] = await (index % 2 === 0 ? log : other).append([
            entry(freshTopic(), "x"),
            entry(freshTopic(), "y"),
          ]);
          expect(one?.place.stamp).toBe(two?.place.stamp ?? -1);
          stamps.push(one?.place.stamp ?? -1);
          clock.advanceNow(index === 2 ? -3_600_000 : 10);
        }
        expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
      }));
  });
}

function headAtContract(withLog: WithLog): void {
  describe("and its moments", () => {
    test("tells where a topic stood at a moment", () =>
      withLog(async (log) => {
        const topic = freshTopic("few");
        const stamps: number[] = [];
        for (let index = 0; index < 13; index++) {
          const [one] = await log.append([entry(topic, "x"), entry(topic, "y")]);
          stamps.push(one?.place.stamp ?? -1);
        }
        const epoch = (await log.heads([topic]))[0]?.epoch ?? "";
        for (const [index, stamp] of stamps.entries()) {
          expect(await log.headAt(topic, stamp)).toEqual({
            topic,
            seq: 2 * index + 2,
            epoch,
            first: 1,
          });
        }
        expect(await log.headAt(topic, (stamps[0] ?? 0) - 1)).toEqual({
          topic,
          seq: 0,
          epoch: "",
          first: 1,
        });
        expect(await log.headAt(topic, (stamps[12] ?? 0) + 1000)).toMatchObject({ seq: 26 });
        expect(await log.headAt(freshTopic(), stamps[0] ?? 0)).toMatchObject({ seq: 0, epoch: "" });
        await log.trim(100);
        expect(await log.headAt(topic, stamps[7] ?? 0)).toEqual({
          topic,
          seq: 0,
          epoch: "",
          first: 17,
        });
        expect(await log.headAt(topic, stamps[8] ?? 0)).toEqual({
          topic,
          seq: 18,
          epoch,
          first: 17,
        });
      }));
  });
}

function lifeContract(withLog: WithLog): void {
  describe("and its lives", () => {
    test("has reached the moments of its own lives, and none of another log", () =>
      withLog(async (log, clock, other) => {
        const topic = freshTopic();
        expect(await log.changes(-1, 10)).toMatchObject({ epoch: "", stamp: 0 });
        expect(await log.reached({ epoch: "", stamp: 0 })).toBe(true);
        const [first] = await log.append([entry(topic, "1")]);
        clock.advanceNow(10);
        const [last] = await other.append([entry(topic, "2")]);
        const { epoch, stamp } = last?.place ?? never();
        expect((await log.heads([topic]))[0]?.stamp).toBe(stamp);
        expect(await log.changes(-1, 10)).toMatchObject({ epoch, stamp });
        for (const moment of [first?.place ?? never(), { epoch, stamp }, { epoch: "", stamp }])
          expect(await log.reached(moment)).toBe(true);
        expect(await log.reached({ epoch, stamp: stamp + 1 })).toBe(false);
        expect(await log.reached({ epoch: "", stamp: stamp + 1 })).toBe(false);
        expect(await log.reached({ epoch: "0ther", stamp })).toBe(false);
        // A reader that has more than the log holds has it from a log that is gone.
        expect(await log.changes(stamp + 1000, 10)).toEqual({
          heads: [],
          stamp,
          epoch,
          more: false,
        });
      }));

    test("tells what it wrote from what it did not", () =>
      withLog(async (log) => {
        const topic = freshTopic("few");
        await appendMany(log, topic, 15);
        const epoch = (await log.heads([topic]))[0]?.epoch ?? "";
        expect(epoch).toMatch(/^[a-z0-9]{1,8}$/);
        expect(await log.wrote(topic, 15, epoch)).toBe("yes");
        expect(await log.wrote(topic, 16, epoch)).toBe("no");
        expect(await log.wrote(topic, 15, "zzzzzzzz")).toBe("no");
        expect(await log.wrote(freshTopic(), 1, epoch)).toBe("no");
        expect(await log.wrote(topic, 0, "")).toBe("yes");
        expect(await log.trim(100)).toBe(5);
        expect(await log.wrote(topic, 5, epoch)).toBe("unknown");
        expect(await log.wrote(topic, 5, "zzzzzzzz")).toBe("no");
        expect(await log.wrote(topic, 6, epoch)).toBe("yes");
      }));
  });
}

function writerContract(withLog: WithLog): void {
  describe("and its writers", () => {
    test("gives concurrent writers of a topic every number once", () =>
      withLog(async (log, _clock, other) => {
        const topic = freshTopic();
        const calls = Array.from({ length: 200 }, (_, index) =>
          (index % 2 === 0 ? log : other).append([entry(topic, `${index}`)]),
        );
        const seqs = (await Promise.all(calls)).map(([one]) => one?.place.seq ?? -1);
        expect(seqs.sort((a, b) => a - b)).toEqual(
          Array.from({ length: 200 }, (_, index) => index + 1),
        );
        const page = await other.read(topic, { after: 0, limit: 500 });
        expect(seqsOf(page.events)).toEqual(seqs);
      }));

    test("refuses everything once it is closed, and closes once", () =>
      withLog(async (log) => {
        const topic = freshTopic();
        const waiting = log.append([entry(topic, "last")]);
        await Promise.all([log.close(), log.close()]);
        expect((await waiting)[0]?.place.seq).toBe(1);
        await expect(log.append([entry(topic, "late")])).rejects.toThrow(LogUnavailableError);
        await expect(log.read(topic, { limit: 1 })).rejects.toThrow(LogUnavailableError);
      }));
  });
}
