import { expect, test } from "bun:test";
import { type FrontendId, type Topic, topicOf } from "@ovation/protocol";
import { until } from "../testing/until.ts";
import { createBatchedLookup } from "./batched-lookup.ts";
import type { FrontendAddress } from "./subscription-table.ts";

type Answers = ReadonlyMap<Topic, readonly FrontendAddress[]>;

/** A store that answers on command: each topic with a frontend of its name. */
function store() {
  const reads: { readonly topics: readonly Topic[]; answer(): void; fail(): void }[] = [];
  const lookup = createBatchedLookup({
    groupOf: (topic) => (topic.startsWith("member:") ? "other" : "one"),
    read: (groups) =>
      new Map(
        [...groups].map(([name, topics]) => {
          const { promise, resolve, reject } = Promise.withResolvers<Answers>();
          reads.push({
            topics: [...topics],
            answer: () =>
              resolve(
                new Map(
                  [...topics].map((topic) => [
                    topic,
                    [{ id: topic as string as FrontendId, url: name }],
                  ]),
                ),
              ),
            fail: () => reject(new Error(`${name} is away`)),
          });
          return [name, promise];
        }),
      ),
  });
  return {
    reads,
    lookup,
    ids: async (...topics: Topic[]) =>
      (await lookup(topics)).map((found) => found.map(({ id }) => String(id))),
  };
}

const video = (id: number) => topicOf("video", String(id));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("lookups of one turn, or during one in flight, are one read of distinct topics", async () => {
  const { reads, ids } = store();
  const first = [ids(video(1), video(2)), ids(video(2))];
  await turn();
  expect(reads.map(({ topics }) => topics)).toEqual([[video(1), video(2)]]);
  const second = [ids(video(3)), ids(video(1))];
  reads[0]?.answer();
  expect(await Promise.all(first)).toEqual([[[video(1)], [video(2)]], [[video(2)]]]);
  await turn();
  await turn();
  expect(reads.map(({ topics }) => topics)).toEqual([
    [video(1), video(2)],
    [video(3), video(1)],
  ]);
  reads[1]?.answer();
  expect(await Promise.all(second)).toEqual([[[video(3)]], [[video(1)]]]);
});

test("a hanging read delays later ones briefly, and a failed group no other one", async () => {
  const { reads, ids } = store();
  const stuck = ids(video(1));
  await turn();
  const others = Promise.allSettled([ids(video(2)), ids(topicOf("member", "m"))]);
  await until(() => reads.length === 3);
  expect(reads.map(({ topics }) => topics)).toEqual([
    [video(1)],
    [video(2)],
    [topicOf("member", "m")],
  ]);
  reads[1]?.answer();
  reads[2]?.fail();
  const [found, failed] = await others;
  expect(found).toMatchObject({ status: "fulfilled", value: [[video(2)]] });
  expect(failed).toMatchObject({ status: "rejected" });
  reads[0]?.answer();
  expect(await stuck).toEqual([[video(1)]]);
});
