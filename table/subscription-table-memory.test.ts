import { expect, test } from "bun:test";
import {
  freshFrontend,
  freshTopic,
  subscriptionTableContract,
} from "./subscription-table.contract.ts";
import { createMemoryTable } from "./subscription-table-memory.ts";
import { createManualClock } from "./testing/manual-clock.ts";

subscriptionTableContract(
  "memory",
  async () => {
    const clock = createManualClock();
    return {
      table: createMemoryTable({ clock }),
      pass: async (ms) => clock.advance(ms),
      ttlMs: 1000,
    };
  },
  { runs: 2000 },
);

test("memory: nothing is left of topics that nobody is subscribed to, nor of the dead once they were looked up", async () => {
  const clock = createManualClock();
  const table = createMemoryTable({ clock });
  const a = freshFrontend();
  const topics = Array.from({ length: 10 }, freshTopic);
  await table.renew(a, 1000);
  await table.change(
    a.id,
    topics.map((topic, index) => ({ topic, subscribed: true, generation: index })),
  );
  await table.change(
    a.id,
    topics.slice(5).map((topic, index) => ({ topic, subscribed: false, generation: 100 + index })),
  );
  expect(table.topicCount).toBe(5);
  clock.advance(1000);
  expect((await table.lookup(topics)).flat()).toEqual([]);
  expect(table.topicCount).toBe(0);
});
