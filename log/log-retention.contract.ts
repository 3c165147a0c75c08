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
