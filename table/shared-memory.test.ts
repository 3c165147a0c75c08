import { expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { sharedStoreContract } from "./shared-store.contract.ts";
import { MemorySharedStore } from "./shared-store-memory.ts";
import { viewerCountsContract } from "./viewer-counts.contract.ts";
import { MemoryViewerCounts } from "./viewer-counts-memory.ts";

sharedStoreContract("memory", async () => {
  const clock = createManualClock();
  return { store: new MemorySharedStore(clock), pass: async (ms) => clock.advanceNow(ms) };
});

viewerCountsContract(
  "memory",
  async () => {
    const clock = createManualClock();
    return {
      counts: new MemoryViewerCounts(clock),
      pass: async (ms) => clock.advanceNow(ms),
      ttlMs: 1000,
    };
  },
  500,
);

test("memory: under a flood of keys the oldest are evicted, and the rest still work", async () => {
  const store = new MemorySharedStore(createManualClock(), 100);
  for (let index = 0; index < 1000; index++) await store.set(`key ${index}`, String(index), 60_000);
  expect(await store.get(["key 0", "key 899", "key 901", "key 999"])).toEqual([
    undefined,
    undefined,
    "901",
    "999",
  ]);
});

test("memory: expired keys are evicted though no call reads them", async () => {
  const clock = createManualClock();
  const store = new MemorySharedStore(clock);
  for (let index = 0; index < 10_000; index++)
    await store.set(`key ${index}`, "value", index % 2 === 0 ? 1_000 : 3_600_000);
  await store.take("bucket", 1, 10, 1_000);
  expect(store.size).toBe(10_001);
  clock.advanceNow(30_000);
  expect(store.size).toBe(5_000);
  clock.advanceNow(3_660_000);
  expect(store.size).toBe(0);
});
