import { expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import {
  freshFrontend,
  freshTopic,
  subscriptionTableContract,
} from "./subscription-table.contract.ts";
import { GONE_MAX, MemorySubscriptionTable } from "./subscription-table-memory.ts";

subscriptionTableContract(
  "memory",
  async () => {
    const clock = createManualClock();
    return {
      table: new MemorySubscriptionTable(clock),
      pass: async (ms) => clock.advanceNow(ms),
      ttlMs: 1000,
    };
  },
  { runs: 2000 },
);

test("memory: unsubscribed topics and dead frontends leave no trace", async () => {
  const clock = createManualClock();
  const table = new MemorySubscriptionTable(clock);
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
  clock.advanceNow(1000);
  expect((await table.lookup(topics)).flat()).toEqual([]);
  expect(table.topicCount).toBe(0);
});

test("memory: GONE_MAX dead frontends are kept; older ones lose their rows", async () => {
  const table = new MemorySubscriptionTable(createManualClock());
  const topics = [freshTopic(), freshTopic()];
  const frontends = Array.from({ length: GONE_MAX + 1 }, freshFrontend);
  for (const [index, frontend] of frontends.entries()) {
    await table.renew(frontend, 1000);
    const topic = topics[index];
    if (topic !== undefined)
      await table.change(frontend.id, [{ topic, subscribed: true, generation: 1 }]);
  }
  for (const { id } of frontends.slice(0, GONE_MAX)) await table.release(id);
  expect(table.topicCount).toBe(2);
  await table.release(frontends[GONE_MAX]?.id ?? expect.unreachable());
  expect(table.topicCount).toBe(1);
  expect((await table.lookup(topics)).flat()).toEqual([]);
  expect(table.topicCount).toBe(0);
});
