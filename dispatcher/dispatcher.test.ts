import { expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { TableUnavailableError } from "@ovation/table";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";

const topic = topicOf("video", "1");
const live: Event = { topic, type: "goal", at: 1, data: toJsonText({ home: 1 }) };
const durable: Event = { ...live, type: "comment", place: { seq: 1, epoch: "a", stamp: 1 } };

/** What was forwarded when three events are published, the second of them durable. */
async function publishWith(tableIsThere: boolean): Promise<{ readonly forwarded: readonly Event[]; readonly error: unknown }> {
  const stores = testStores();
  const forwarded: Event[] = [];
  const table = {
    ...stores.table,
    lookup: () => (tableIsThere ? stores.table.lookup([topic]) : Promise.reject(new TableUnavailableError("away"))),
  };
  const { dispatcher, stop } = startInternalDispatcher({ ...stores, table }, { forward: (events) => void forwarded.push(...events) });
  const error = await dispatcher.publish([live, durable, live]).catch((thrown: unknown) => thrown);
  await stop();
  return { forwarded, error };
}

test("a live event that its publisher is told was not sent, was not sent to another data centre either", async () => {
  const { forwarded, error } = await publishWith(false);
  expect(error).toMatchObject({ code: "unavailable" });
  expect(forwarded).toEqual([durable]);
});

test("everything is forwarded once where the table is there", async () => {
  const { forwarded, error } = await publishWith(true);
  expect(error).toBeUndefined();
  expect(forwarded).toHaveLength(3);
});
