/**
 * Idempotency keys: the part of the log's specification that makes retries harmless. Run by
 * `log.contract.ts`.
 */

import { describe, expect, test } from "bun:test";
import { type Topic, toJsonText } from "@ovation/protocol";
import { KEY_AGE_MS } from "./log.ts";
import {
  appendMany,
  type ContractOptions,
  entry,
  freshTopic,
  never,
  type WithLog,
} from "./testing/contract-log.ts";

export function keysContract(withLog: WithLog, options: ContractOptions): void {
  describe("and its keys", () => {
    duplicateContract(withLog);
    keyTextContract(withLog, options);
  });
}

function duplicateContract(withLog: WithLog): void {
  test("returns the first one's place, time and content for a repeated key", () =>
    withLog(async (log, _clock, other) => {
      const topic = freshTopic();
      const [first, again] = await log.append([
        entry(topic, "a", { key: "k" }),
        entry(topic, "b", { key: "k", at: 5, type: "message" }),
      ]);
      expect(first).toMatchObject({ duplicate: false, place: { seq: 1 } });
      const duplicate = {
        place: first?.place ?? never(),
        at: 1_732_300_000_000,
        duplicate: true,
        stored: { type: "comment", data: toJsonText({ text: "a" }) },
      };
      expect(again).toEqual(duplicate);
      expect(await other.append([entry(topic, "c", { key: "k" })])).toEqual([duplicate]);
      const together = await Promise.all(
        [1, 2, 3].map(() => log.append([entry(topic, "d", { key: "l" })])),
      );
      expect(together.map(([one]) => one?.place.seq)).toEqual([2, 2, 2]);
      expect(together.filter(([one]) => one?.duplicate === false)).toHaveLength(1);
      expect((await log.heads([topic]))[0]?.seq).toBe(2);
    }));

  test("keeps the order of a group in which some keys are known and others come twice", () =>
    withLog(async (log) => {
      const [a, b] = [freshTopic(), freshTopic()];
      await log.append([entry(a, "known", { key: "k" })]);
      const calls = [
        [entry(a, "2"), entry(a, "again", { key: "k" }), entry(b, "1", { key: "k" })],
        [
          entry(a, "3", { key: "twice", type: "message" }),
          entry(b, "2"),
          entry(a, "again", { key: "twice" }),
        ],
        [entry(b, "again", { key: "k" }), entry(a, "4"), entry(a, "again", { key: "k" })],
      ];
      const answers = await Promise.all(calls.map((call) => log.append(call)));
      expect(
        answers.map((call) => call.map(({ place, duplicate }) => [place.seq, duplicate])),
      ).toEqual([
        [
          [2, false],
          [1, true],
          [1, false],
        ],
        [
          [3, false],
          [2, false],
          [3, true],
        ],
        [
          [1, true],
          [4, false],
          [1, true],
        ],
      ]);
      expect(answers[1]?.[2]?.stored).toEqual({
        type: "message",
        data: toJsonText({ text: "3" }),
      });
      const textsOf = async (topic: Topic) =>
        (await log.read(topic, { after: 0, limit: 10 })).events.map(
          ({ data }) => JSON.parse(data).text,
        );
      expect(await textsOf(a)).toEqual(["known", "2", "3", "4"]);
      expect(await textsOf(b)).toEqual(["1", "2"]);
    }));
}

function keyTextContract(withLog: WithLog, options: ContractOptions): void {
  test("keeps keys as they are: quotes, backslashes, braces, the word NULL, line ends, emoji", () =>
    withLog(async (log) => {
      const topic = freshTopic();
      const keys = [
        '"',
        "\\",
        "{a,b}",
        "NULL",
        "null",
        "a\nb",
        "\t",
        "\u{1f600}",
        " remove 1",
        "\\n",
        "",
      ];
      const append = () => log.append(keys.map((key) => entry(topic, key, { key })));
      const seqs = keys.map((_, index) => index + 1);
      expect((await append()).map(({ place, duplicate }) => (duplicate ? 0 : place.seq))).toEqual(
        seqs,
      );
      expect((await append()).map(({ place, duplicate }) => (duplicate ? place.seq : 0))).toEqual(
        seqs,
      );
    }));

  test("holds a key for one topic only", () =>
    withLog(async (log) => {
      const [a, b] = [freshTopic(), freshTopic()];
      const appended = await log.append([entry(a, "a", { key: "k" }), entry(b, "b", { key: "k" })]);
      expect(appended.map((one) => one.duplicate)).toEqual([false, false]);
    }));

  if (options.hasOwnClock) {
    test("forgets keys after a day, not before", () =>
      withLog(async (log, clock) => {
        const topic = freshTopic();
        await log.append([entry(topic, "a", { key: "k" })]);
        clock.advanceNow(KEY_AGE_MS - 1000);
        await log.trim(100);
        expect((await log.append([entry(topic, "b", { key: "k" })]))[0]?.duplicate).toBe(true);
        clock.advanceNow(2000);
        await log.trim(100);
        expect((await log.append([entry(topic, "c", { key: "k" })]))[0]?.duplicate).toBe(false);
      }));
  }

  test("answers a duplicate also when the first one is past retention", () =>
    withLog(async (log) => {
      const topic = freshTopic("few");
      const [first] = await log.append([entry(topic, "a", { key: "k" })]);
      await appendMany(log, topic, 15);
      await log.trim(100);
      const [again] = await log.append([entry(topic, "b", { key: "k" })]);
      expect(again).toEqual({
        place: first?.place ?? never(),
        at: 1_732_300_000_000,
        duplicate: true,
      });
    }));
}
