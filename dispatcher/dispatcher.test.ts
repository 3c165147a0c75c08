import { expect, test } from "bun:test";
import {
  DEFAULT_POLICY,
  type Event,
  type FrontendId,
  parseFrontendId,
  systemClock,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { type FrontendAddress, TableUnavailableError } from "@ovation/table";
import { Dispatcher } from "./dispatcher.ts";
import { CHANGED_TOPICS_PER_REPORT_MAX, PUBLISHES_IN_FLIGHT_MAX } from "./limits.ts";
import { NO_LINK_STATS } from "./links/links.ts";
import { LocalLinks } from "./links/links-local.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";

const topic = topicOf("video", "1");
const live: Event = { topic, type: "goal", at: 1, data: toJsonText({ home: 1 }) };
const durable: Event = { ...live, type: "comment", place: { seq: 1, epoch: "a", stamp: 1 } };

/** What was forwarded when three events are published, the second of them durable. */
async function publishWith(
  tableIsThere: boolean,
): Promise<{ readonly forwarded: readonly Event[]; readonly error: unknown }> {
  const stores = testStores();
  const forwarded: Event[] = [];
  const table = {
    ...stores.table,
    lookup: () =>
      tableIsThere
        ? stores.table.lookup([topic])
        : Promise.reject(new TableUnavailableError("away")),
  };
  const { dispatcher, stop } = startInternalDispatcher(
    { ...stores, table },
    { forward: (events) => void forwarded.push(...events) },
  );
  const error = await dispatcher.publish([live, durable, live]).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await stop();
  return { forwarded, error };
}

test("a live event that is reported as not sent is not forwarded either", async () => {
  const { forwarded, error } = await publishWith(false);
  expect(error).toMatchObject({ code: "unavailable" });
  expect(forwarded).toEqual([durable]);
});

test("everything is forwarded once where the table is there", async () => {
  const { forwarded, error } = await publishWith(true);
  expect(error).toBeUndefined();
  expect(forwarded).toHaveLength(3);
});

test("after a publish that fails at once, later ones do not overtake earlier ones", async () => {
  const stores = testStores();
  const lookups: PromiseWithResolvers<readonly (readonly FrontendAddress[])[]>[] = [];
  const sent: Event[] = [];
  const dispatcher = new Dispatcher({
    ...stores,
    policy: DEFAULT_POLICY,
    clock: systemClock,
    table: {
      ...stores.table,
      lookup() {
        const lookup = Promise.withResolvers<readonly (readonly FrontendAddress[])[]>();
        lookups.push(lookup);
        return lookup.promise;
      },
    },
    links: {
      send(_, events) {
        sent.push(...events);
        return 0;
      },
      stats: () => NO_LINK_STATS,
      close: async () => undefined,
    },
    calls: { changeConnection: async () => ({ ok: false, error: "unknown-connection" }) },
    onFailure: () => undefined,
  });
  const publishes = [1, 2, 3].map((at) =>
    dispatcher.publish([{ ...live, at }]).catch((error: unknown) => error),
  );
  const found = [[{ id: parseFrontendId("frontend1") as FrontendId, url: "" }]];
  lookups[2]?.resolve(found);
  lookups[1]?.reject(new TableUnavailableError("away"));
  expect(await publishes[1]).toMatchObject({ code: "unavailable" });
  await Bun.sleep(1);
  expect(sent).toEqual([]);
  lookups[0]?.resolve(found);
  await Promise.all(publishes);
  expect(sent.map(({ at }) => at)).toEqual([1, 3]);
});

test("PUBLISHES_IN_FLIGHT_MAX: one more is refused and counted", async () => {
  const stores = testStores();
  const lookup = Promise.withResolvers<readonly (readonly FrontendAddress[])[]>();
  const dispatcher = new Dispatcher({
    ...stores,
    policy: DEFAULT_POLICY,
    clock: systemClock,
    table: { ...stores.table, lookup: () => lookup.promise },
    links: new LocalLinks({ inboxOf: () => undefined }),
    calls: { changeConnection: async () => ({ ok: false, error: "unknown-connection" }) },
    onFailure: () => undefined,
  });
  const publishes = Array.from({ length: PUBLISHES_IN_FLIGHT_MAX }, () =>
    dispatcher.publish([live]),
  );
  expect(await dispatcher.publish([live, durable]).catch((error: unknown) => error)).toMatchObject({
    code: "unavailable",
  });
  expect(dispatcher.counters).toMatchObject({ refused: 2, durable: { refused: 1 } });
  lookup.resolve([[]]);
  await Promise.all(publishes);
  await dispatcher.publish([live]);
});

test("CHANGED_TOPICS_PER_REPORT_MAX: the log is asked for so many at a time", async () => {
  const stores = testStores();
  const asked: number[] = [];
  const { dispatcher, stop } = startInternalDispatcher({
    ...stores,
    log: {
      append: (entries) => stores.log.append(entries),
      read: (name, query) => stores.log.read(name, query),
      heads: (topics) => stores.log.heads(topics),
      headAt: (name, stamp) => stores.log.headAt(name, stamp),
      wrote: (name, seq, epoch) => stores.log.wrote(name, seq, epoch),
      reached: (moment) => stores.log.reached(moment),
      tally: (name, query) => stores.log.tally(name, query),
      close: () => stores.log.close(),
      changes(since, limit) {
        asked.push(limit);
        return stores.log.changes(since, limit);
      },
    },
  });
  const address = { id: parseFrontendId("frontend1") as FrontendId, url: "" };
  await dispatcher.report(address, [], 0);
  await stop();
  expect(new Set(asked)).toEqual(new Set([CHANGED_TOPICS_PER_REPORT_MAX]));
});
