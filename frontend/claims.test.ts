import { expect, test } from "bun:test";
import { Claims } from "./claims.ts";
import { CLAIMS_CACHED_MAX } from "./limits.ts";
import { LogReads } from "./log-reads.ts";
import { Stamps } from "./stamps.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";

test("CLAIMS_CACHED_MAX: one more answer evicts the oldest, which is asked again", async () => {
  const upstream = new ModelUpstream();
  const claims = new Claims({
    upstream,
    clock: createManualClock(),
    reads: new LogReads(),
    stamps: new Stamps(),
  }).of("10.0.0.1");
  const ask = (seq: number) => claims.wrote(topic("video:1"), seq, "life1");
  for (let seq = 1; seq <= CLAIMS_CACHED_MAX; seq++) await ask(seq);
  await ask(1);
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX);
  await ask(CLAIMS_CACHED_MAX + 1);
  await ask(2);
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX + 1);
  expect(await ask(1)).toBe("no");
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX + 2);
});
