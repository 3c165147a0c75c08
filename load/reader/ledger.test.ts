import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, parseBatch } from "../batch.ts";
import type { Plan } from "../plan.ts";
import { Ledger, type LedgerCounts } from "./ledger.ts";
import { formatMark } from "./marker.ts";

const PLAN: Plan = { topics: 1, topicPrefix: "video:t-", topicsPerConnection: 1, publishers: 1 };
const present = () => true;

function batchOf(seqs: readonly number[], stream = 0): Batch {
  const frames = seqs.map(
    (seq) => `data: ${formatMark({ run: "test", stream, seq, sentUs: seq })}\n\n`,
  );
  return parseBatch(Buffer.from(frames.join("")), "test");
}

/** The expected result for a sequence of numbers, computed slowly with a set. */
function model(
  seqs: readonly number[],
  final: number,
): Pick<LedgerCounts, "lost" | "duplicates" | "disordered"> {
  const seen = new Set<number>();
  let highest = 0;
  let duplicates = 0;
  let disordered = 0;
  for (const seq of seqs) {
    if (seen.has(seq)) duplicates++;
    else if (seq < highest) disordered++;
    seen.add(seq);
    highest = Math.max(highest, seq);
  }
  return { lost: final - seen.size, duplicates, disordered };
}

describe("the ledger", () => {
  test("agrees with a plain set on any sequence, in any chunks", () => {
    const sequence = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(sequence, (steps) => {
        const ledger = new Ledger(PLAN, 0, 1, false);
        let chunk: number[] = [];
        for (const [seq, ends] of steps) {
          chunk.push(seq);
          if (!ends) continue;
          ledger.apply(0, batchOf(chunk));
          chunk = [];
        }
        ledger.apply(0, batchOf(chunk));
        const { lost, duplicates, disordered, deliveries } = ledger.finish([12], present);
        const seqs = steps.map(([seq]) => seq);
        expect({ lost, duplicates, disordered }).toEqual(model(seqs, 12));
        expect(deliveries).toBe(seqs.length);
      }),
      { interruptAfterTimeLimit: 2000 },
    );
  });

  test("keeps streams and connections apart", () => {
    const plan: Plan = { ...PLAN, publishers: 2 };
    const ledger = new Ledger(plan, 0, 2, false);
    ledger.apply(0, batchOf([1, 2], 0));
    ledger.apply(0, batchOf([1], 1));
    ledger.apply(1, batchOf([1], 0));
    expect(ledger.behind([2, 1], present)).toBe(2);
    expect(ledger.finish([2, 1], present)).toMatchObject({ lost: 2, duplicates: 0, disordered: 0 });
  });

  test("an announced gap covers as many missing numbers as it says, and no more", () => {
    const gap = parseBatch(
      Buffer.from('event: gap\ndata: {"topic":"t","at":0,"data":{"lost":2,"reason":"slow"}}\n\n'),
      "test",
    );
    const ledger = new Ledger(PLAN, 0, 1, false);
    ledger.apply(0, batchOf([1]));
    ledger.apply(0, gap);
    ledger.apply(0, batchOf([5]));
    expect(ledger.finish([5], present)).toMatchObject({ announced: 2, lost: 1, gaps: 1 });
  });

  test("after a return the durable lane owes everything, and may repeat earlier events", () => {
    const ledger = new Ledger(PLAN, 0, 1, true);
    ledger.apply(0, batchOf([1, 2, 3]));
    ledger.cut(0);
    ledger.apply(0, batchOf([2, 3, 4, 6]));
    expect(ledger.finish([6], present)).toMatchObject({
      repeated: 2,
      lost: 1,
      duplicates: 0,
      away: 0,
    });
  });

  test("after a return the live lane owes only later events", () => {
    const ledger = new Ledger(PLAN, 0, 1, false);
    ledger.apply(0, batchOf([1, 2]));
    ledger.cut(0);
    ledger.apply(0, batchOf([5]));
    ledger.apply(0, batchOf([7]));
    expect(ledger.finish([7], present)).toMatchObject({ away: 2, lost: 1 });
  });
});
