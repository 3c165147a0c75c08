/**
 * Retention: the part of the log's specification that says what it drops, and what stays when it
 * did. Run by `log.contract.ts`.
 */

import { describe, expect, test } from "bun:test";
import {
  TALLY_EVENTS_MAX,
  TRIM_EVENTS_MAX,
  TRIM_TOPIC_EVENTS_MAX,
  TRIM_TOPICS_MAX,
} from "./limits.ts";
import {
  appendMany,
  type ContractOptions,
  entry,
  freshTopic,
  seqsOf,
  type WithLog,
} from "./testing/contract-log.ts";

export function retentionContract(withLog: WithLog, options: ContractOptions): void {
  describe("and its retention", () => {
    trimContract(withLog);
    limitsContract(withLog);
    deletionContract(withLog, options);
    tallyContract(withLog, options);
  });
}

function trimContract(withLog: WithLog): void {
  test("drops events past the count of their kind, up to the limit, and keeps numbers", () =>
    withLog(async (log) => {
      const [few, kept] = [freshTopic("few"), freshTopic("video")];
      await appendMany(log, few, 25);
      await appendMany(log, kept, 25);
      expect(await log.trim(4)).toBe(4);
      expect((await log.heads([few]))[0]).toMatchObject({ seq: 25, first: 5 });
      expect(await log.trim(1000)).toBe(11);
      expect(await log.trim(1000)).toBe(0);
      const page = await log.read(few, { after: 0, limit: 100 });
      expect(seqsOf(page.events)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
      expect(page.head).toMatchObject({ seq: 25, first: 16 });
      expect((await log.heads([kept]))[0]).toMatchObject({ seq: 25, first: 1 });
      expect((await log.append([entry(few, "next")]))[0]?.place.seq).toBe(26);
    }));

  test("is fair: a topic that never stops growing does not keep the others waiting", () =>
    withLog(async (log) => {
      const [busy, quiet, last] = [freshTopic("few"), freshTopic("few"), freshTopic("few")];
      await appendMany(log, busy, 2_500);
      await appendMany(log, quiet, 30);
      await appendMany(log, last, 30);
      for (let call = 0; call < 4; call++) {
        expect(await log.trim(600)).toBe(600);
        await appendMany(log, busy, 600);
      }
      const heads = await log.heads([busy, quiet, last]);
      expect(heads[1]).toMatchObject({ seq: 30, first: 21 });
      expect(heads[2]).toMatchObject({ seq: 30, first: 21 });
      while ((await log.trim(5_000)) > 0);
      expect((await log.heads([busy]))[0]).toMatchObject({ seq: 4_900, first: 4_891 });
    }));
}

function limitsContract(withLog: WithLog): void {
  test("TRIM_TOPIC_EVENTS_MAX: one topic gives so many before the next one has its turn", () =>
    withLog(async (log) => {
      const [first, second] = [freshTopic("few"), freshTopic("few")];
      for (const topic of [first, second]) await appendMany(log, topic, 2 * TRIM_TOPIC_EVENTS_MAX);
      expect(await log.trim(TRIM_TOPIC_EVENTS_MAX + 5)).toBe(TRIM_TOPIC_EVENTS_MAX + 5);
      expect((await log.heads([first, second])).map((head) => head.first)).toEqual([
        TRIM_TOPIC_EVENTS_MAX + 1,
        6,
      ]);
    }));

  test("TRIM_TOPICS_MAX: a call looks at more topics than one step of it does", () =>
    withLog(async (log) => {
      const topics = Array.from({ length: TRIM_TOPICS_MAX + 1 }, () => freshTopic("none"));
      await log.append(topics.map((topic) => entry(topic, "x")));
      expect(await log.trim(2 * topics.length)).toBe(topics.length);
      const heads = await log.heads(topics);
      expect(heads.every(({ seq, first }) => seq === 1 && first === 2)).toBe(true);
    }));

  test("TRIM_EVENTS_MAX: a call clears more events of a topic than one step of it does", () =>
    withLog(async (log) => {
      const topic = freshTopic("video");
      await appendMany(log, topic, 2 * TRIM_EVENTS_MAX + 2);
      expect(await log.clear(topic, TRIM_EVENTS_MAX + 1)).toBe(TRIM_EVENTS_MAX);
      expect(await log.clear(topic, 2 * TRIM_EVENTS_MAX + 2)).toBe(TRIM_EVENTS_MAX + 1);
      const { events } = await log.read(topic, { after: 0, limit: 10 });
      expect(seqsOf(events)).toEqual([2 * TRIM_EVENTS_MAX + 2]);
    }));
}

function deletionContract(withLog: WithLog, options: ContractOptions): void {
  test("upkeep is one process's: the same one may ask again, another one may not", () =>
    withLog(async (log, _clock, other) => {
      expect(await log.claimUpkeep(60_000)).toBe(true);
      expect(await log.claimUpkeep(60_000)).toBe(true);
      // A file belongs to one server (`data-directory`); a database is shared.
      expect(await other.claimUpkeep(60_000)).toBe(options.hasOwnClock);
    }));

  test("a deleted topic is cleared up to a number, whatever its retention, and continues", () =>
    withLog(async (log) => {
      const [gone, kept] = [freshTopic("video"), freshTopic("video")];
      await appendMany(log, gone, 2_500);
      await appendMany(log, kept, 5);
      expect(await log.clear(freshTopic("video"), 10)).toBe(0);
      expect(await log.clear(gone, 2_500)).toBe(2_499);
      expect(await log.clear(gone, 2_500)).toBe(0);
      const page = await log.read(gone, { after: 0, limit: 10 });
      expect([seqsOf(page.events), page.head.first]).toEqual([[2_500], 2_500]);
      expect((await log.append([entry(gone, "next")]))[0]?.place.seq).toBe(2_501);
      expect(await log.clear(gone, 9_999)).toBe(2);
      expect((await log.heads([gone]))[0]).toMatchObject({ seq: 2_501, first: 2_502 });
      expect((await log.heads([kept]))[0]).toMatchObject({ seq: 5, first: 1 });
      expect(await log.trim(1_000)).toBe(0);
    }));
}

function tallyContract(withLog: WithLog, options: ContractOptions): void {
  test("what it dropped still counts, and what was cleared does not", () =>
    withLog(async (log) => {
      const topic = freshTopic("few");
      const types = ["comment", "removed", "never"];
      const tally = (after: number) => log.tally(topic, { after, types });
      const nothing = { counts: [0, 0, 0], upTo: 0, more: false, isWhole: true };
      expect(await tally(0)).toEqual(nothing);
      expect(await tally(7)).toEqual(nothing);
      for (let n = 1; n <= 25; n++)
        await log.append([{ ...entry(topic, `${n}`), type: n % 5 === 0 ? "removed" : "comment" }]);
      const all = { counts: [20, 5, 0], upTo: 25, more: false, isWhole: true };
      expect(await tally(0)).toEqual(all);
      expect(await tally(21)).toEqual({ ...all, counts: [3, 1, 0], isWhole: false });
      expect(await tally(25)).toEqual({ ...all, counts: [0, 0, 0], isWhole: false });
      expect(await log.trim(7)).toBe(7);
      expect(await log.trim(100)).toBe(8);
      // 16 to 25 are kept: after 15 and later nothing was missed, before it something was.
      expect(await tally(0)).toEqual(all);
      expect(await tally(3)).toEqual(all);
      expect(await tally(15)).toEqual({ ...all, counts: [8, 2, 0], isWhole: false });
      // Counted in a future that a restored backup does not have.
      expect(await tally(26)).toEqual(all);
      expect(await log.clear(topic, 24)).toBe(8);
      expect(await tally(0)).toEqual({ ...all, counts: [1, 1, 0] });
      expect((await tally(23)).isWhole).toBe(false);
    }));

  test("TALLY_EVENTS_MAX: more than one call passes over is counted by several", () =>
    withLog(async (log) => {
      const topic = freshTopic("video");
      const size = 4_000;
      for (let n = 0; n <= TALLY_EVENTS_MAX; n += size) await appendMany(log, topic, size);
      const { type } = entry(topic, "1");
      const one = await log.tally(topic, { after: 0, types: [type] });
      expect(one).toMatchObject({ counts: [TALLY_EVENTS_MAX], more: true, isWhole: true });
      const rest = await log.tally(topic, { after: one.upTo, types: [type] });
      const [head] = await log.heads([topic]);
      expect(rest).toEqual({
        counts: [(head?.seq ?? 0) - TALLY_EVENTS_MAX],
        upTo: head?.seq ?? 0,
        more: false,
        isWhole: false,
      });
    }));

  if (options.hasOwnClock) {
    test("drops what is too old, down to an empty topic whose numbers continue", () =>
      withLog(async (log, clock) => {
        const topic = freshTopic("young");
        await appendMany(log, topic, 3);
        clock.advanceNow(50_000);
        await appendMany(log, topic, 2);
        clock.advanceNow(20_000);
        expect(await log.trim(100)).toBe(3);
        expect((await log.heads([topic]))[0]).toMatchObject({ seq: 5, first: 4 });
        clock.advanceNow(60_000);
        expect(await log.trim(100)).toBe(2);
        expect(await log.read(topic, { limit: 10 })).toMatchObject({
          events: [],
          head: { seq: 5, first: 6 },
        });
        expect((await log.append([entry(topic, "next")]))[0]?.place.seq).toBe(6);
        expect((await log.heads([topic]))[0]).toMatchObject({ seq: 6, first: 6 });
      }));
  }
}
