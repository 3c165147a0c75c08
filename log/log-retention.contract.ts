/** Retention: the part of the log's specification that says what it drops, and what stays when it did. Run by `log.contract.ts`. */

import { describe, expect, test } from "bun:test";
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
    test("drops what is past the count of its kind, at most the limit at once, and keeps the numbers", () =>
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

    test("upkeep is one process's: the same one may ask again, another one may not", () =>
      withLog(async (log, _clock, other) => {
        expect(await log.claimUpkeep(60_000)).toBe(true);
        expect(await log.claimUpkeep(60_000)).toBe(true);
        // A file belongs to one server (`data-directory`); a database is shared.
        expect(await other.claimUpkeep(60_000)).toBe(options.hasOwnClock);
      }));

    test("a topic that was deleted is cleared up to a number, whatever its retention, and goes on", () =>
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

    if (options.hasOwnClock) {
      test("drops what is too old, down to an empty topic whose numbers go on", () =>
        withLog(async (log, clock) => {
          const topic = freshTopic("young");
          await appendMany(log, topic, 3);
          clock.advance(50_000);
          await appendMany(log, topic, 2);
          clock.advance(20_000);
          expect(await log.trim(100)).toBe(3);
          expect((await log.heads([topic]))[0]).toMatchObject({ seq: 5, first: 4 });
          clock.advance(60_000);
          expect(await log.trim(100)).toBe(2);
          expect(await log.read(topic, { limit: 10 })).toMatchObject({
            events: [],
            head: { seq: 5, first: 6 },
          });
          expect((await log.append([entry(topic, "next")]))[0]?.place.seq).toBe(6);
          expect((await log.heads([topic]))[0]).toMatchObject({ seq: 6, first: 6 });
        }));
    }
  });
}
