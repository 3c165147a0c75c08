import { expect, test } from "bun:test";
import { sharedStoreContract } from "./shared-store.contract.ts";
import { createMemorySharedStore } from "./shared-store-memory.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import { viewerCountsContract } from "./viewer-counts.contract.ts";
import { createMemoryViewerCounts } from "./viewer-counts-memory.ts";

sharedStoreContract("memory", async () => {
  const clock = createManualClock();
  return { store: createMemorySharedStore({ clock }), pass: async (ms) => clock.advance(ms) };
});

viewerCountsContract(
  "memory",
  async () => {
    const clock = createManualClock();
    return {
      counts: createMemoryViewerCounts({ clock }),
      pass: async (ms) => clock.advance(ms),
      ttlMs: 1000,
    };
  },
  500,
);

test("memory: under a flood of keys the oldest are forgotten, and the rest go on", async () => {
  const store = createMemorySharedStore({ clock: createManualClock(), keysMax: 100 });
  for (let index = 0; index < 1000; index++) await store.set(`key ${index}`, String(index), 60_000);
  expect(await store.get(["key 0", "key 899", "key 901", "key 999"])).toEqual([
    undefined,
    undefined,
    "901",
    "999",
  ]);
});
