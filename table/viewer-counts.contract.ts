/** The specification of `viewer-counts.ts` as tests, run on every form. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { freshFrontend, freshTopic } from "./subscription-table.contract.ts";
import type { ViewerCounts } from "./viewer-counts.ts";

export interface ViewerCountsUnderTest {
  readonly counts: ViewerCounts;
  pass(ms: number): Promise<void>;
  readonly ttlMs: number;
}

const LONG_MS = 60_000;

export function viewerCountsContract(
  name: string,
  open: () => Promise<ViewerCountsUnderTest>,
  runs: number,
): void {
  sumContract(name, open);
  expiryContract(name, open);
  randomContract(name, open, runs);
}

function sumContract(name: string, open: () => Promise<ViewerCountsUnderTest>): void {
  test(`${name}: totals add up the frontends, and other data centres on top`, async () => {
    const { counts } = await open();
    const [a, b] = [freshFrontend().id, freshFrontend().id];
    const [one, two, none] = [freshTopic(), freshTopic(), freshTopic()];
    await counts.report(
      a,
      [
        { topic: one, viewers: 3 },
        { topic: two, viewers: 1 },
      ],
      LONG_MS,
    );
    await counts.report(b, [{ topic: one, viewers: 4 }], LONG_MS);
    await counts.report("dc:east", [{ topic: one, viewers: 100 }], LONG_MS);
    expect(await counts.totals([two, one, none])).toEqual([
      { local: 1, all: 1 },
      { local: 7, all: 107 },
      { local: 0, all: 0 },
    ]);
    await counts.release("dc:east");
  });

  test(`${name}: a topic that is not named keeps its number, 0 ends it`, async () => {
    const { counts } = await open();
    const a = freshFrontend().id;
    const [one, two] = [freshTopic(), freshTopic()];
    await counts.report(
      a,
      [
        { topic: one, viewers: 3 },
        { topic: two, viewers: 5 },
      ],
      LONG_MS,
    );
    await counts.report(a, [{ topic: two, viewers: 0 }], LONG_MS);
    await counts.report(a, [], LONG_MS);
    expect((await counts.totals([one, two])).map((total) => total?.all)).toEqual([3, 0]);
  });
}

function expiryContract(name: string, open: () => Promise<ViewerCountsUnderTest>): void {
  test(`${name}: numbers of a silent or ended reporter do not count until it returns`, async () => {
    const { counts, pass, ttlMs } = await open();
    const [a, b, c] = [freshFrontend().id, freshFrontend().id, freshFrontend().id];
    const topic = freshTopic();
    await counts.report(a, [{ topic, viewers: 10 }], ttlMs);
    await counts.report(b, [{ topic, viewers: 7 }], LONG_MS);
    await counts.report(c, [{ topic, viewers: 2 }], LONG_MS);
    await counts.release(c);
    expect((await counts.totals([topic]))[0]).toEqual({ local: 17, all: 17 });
    await pass(ttlMs * 1.5);
    expect((await counts.totals([topic]))[0]).toEqual({ local: 7, all: 7 });
    await counts.report(a, [{ topic, viewers: 10 }], LONG_MS);
    await pass(ttlMs);
    expect((await counts.totals([topic]))[0]).toEqual({ local: 17, all: 17 });
  });

  test(`${name}: another data centre's numbers expire one by one, and with it`, async () => {
    const { counts, pass, ttlMs } = await open();
    const [one, two] = [freshTopic(), freshTopic()];
    await counts.report("dc:west", [{ topic: one, viewers: 40 }], ttlMs);
    await counts.report("dc:west", [{ topic: two, viewers: 50 }], ttlMs * 4);
    expect((await counts.totals([one, two])).map((total) => [total?.local, total?.all])).toEqual([
      [0, 40],
      [0, 50],
    ]);
    await pass(ttlMs * 1.5);
    expect((await counts.totals([one, two])).map((total) => total?.all)).toEqual([0, 50]);
    await counts.report("dc:west", [{ topic: two, viewers: 0 }], ttlMs);
    expect((await counts.totals([two])).map((total) => total?.all)).toEqual([0]);
  });
}

function randomContract(
  name: string,
  open: () => Promise<ViewerCountsUnderTest>,
  runs: number,
): void {
  test(`${name}: after any reports each total is the sum of the last numbers`, async () => {
    const { counts } = await open();
    const report = fc.record({
      reporter: fc.nat({ max: 2 }),
      topic: fc.nat({ max: 2 }),
      viewers: fc.nat({ max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(report, { maxLength: 30 }), async (reports) => {
        const reporters = Array.from({ length: 3 }, () => freshFrontend().id);
        const topics = Array.from({ length: 3 }, freshTopic);
        const last = new Map<string, number>();
        for (const { reporter, topic, viewers } of reports) {
          last.set(`${reporter} ${topic}`, viewers);
          await counts.report(reporters[reporter]!, [{ topic: topics[topic]!, viewers }], LONG_MS);
        }
        const expected = topics.map((_, topic) =>
          reporters.reduce((sum, _id, index) => sum + (last.get(`${index} ${topic}`) ?? 0), 0),
        );
        expect((await counts.totals(topics)).map((total) => total?.all)).toEqual(expected);
        for (const reporter of reporters) await counts.release(reporter);
      }),
      { numRuns: runs },
    );
  }, 20_000);
}
