import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, parseBatch } from "../batch.ts";
import { Latency } from "../latency.ts";
import { formatMark } from "./marker.ts";
import { ReadingRound } from "./reading-round.ts";

const RUN = "test1";
const NOW_US = 10_000_000;
const FROM_US = 2000;

function batchOf(sentUs: readonly number[]): Batch {
  const frames = sentUs.map(
    (us, index) => `data: ${formatMark({ run: RUN, stream: 0, seq: index + 1, sentUs: us })}\n\n`,
  );
  return parseBatch(Buffer.from(frames.join("")), RUN);
}

test("a round records exactly what recording each event of each connection would", () => {
  const sentUs = fc.array(fc.integer({ min: 0, max: NOW_US }), { minLength: 1, maxLength: 4 });
  const reads = fc.array(
    fc.record({ batch: fc.nat({ max: 2 }), returnedUs: fc.constantFrom(0, 0, 0, 5_000_000) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.array(sentUs, { minLength: 3, maxLength: 3 }), reads, (times, each) => {
      const batches = times.map(batchOf);
      const [live, recovered, expectedLive, expectedRecovered] = [
        new Latency(),
        new Latency(),
        new Latency(),
        new Latency(),
      ];
      const round = new ReadingRound();
      for (const { batch, returnedUs } of each) {
        round.add(batches[batch]!, returnedUs);
        for (const us of times[batch]!) {
          if (us >= FROM_US)
            (us < returnedUs ? expectedRecovered : expectedLive).record(NOW_US - us);
        }
      }
      round.record(NOW_US, FROM_US, live, recovered);
      expect(live.encode()).toBe(expectedLive.encode());
      expect(recovered.encode()).toBe(expectedRecovered.encode());
      expect(round.isEmpty).toBe(true);
    }),
    { numRuns: 50, interruptAfterTimeLimit: 2000 },
  );
});
