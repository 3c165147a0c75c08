/** Dispatchers that are added are used without a restart. */

import { afterEach, expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import { systemClock } from "@ovation/protocol";
import type { DispatcherAddress } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import { createFrontendCredential } from "../links/frontend-credential.ts";
import { createHttpPublisherApi } from "../publisher-api-http.ts";
import { startInternalDispatcher, testStores } from "../testing/internal-dispatcher.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { CallFailedError, createInternalClient, type InternalClient } from "./client.ts";
import { DispatcherChoice } from "./dispatcher-choice.ts";
import {
  CONFIRMATIONS_MAX,
  createDispatcherListRoute,
  DISPATCHERS_CALL_BYTES_MAX,
  DISPATCHERS_PATH,
  DispatcherLearner,
  LEARN_EVERY_MS,
  LEARN_SOON_MS,
} from "./learner.ts";
import { HttpUpstream } from "./upstream-http.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Dispatchers of one data centre, over one list. */
function datacenter() {
  const stores = testStores();
  const list: DispatcherAddress[] = [];
  return {
    list,
    start(id: string) {
      const registry = {
        self: { id, url: "" },
        get list() {
          return list;
        },
      };
      const started = startInternalDispatcher(stores, {
        routes: (_, refusals) => [
          createDispatcherListRoute({ auth: testAuth(), refusals, registry }),
        ],
      });
      cleanups.push(() => started.stop());
      list.push({ id, url: started.listener.url });
      return started;
    },
  };
}

/** Rounds that take a hundredth of their time. */
const hasty: Clock = {
  now: systemClock.now,
  after: (ms, run) => systemClock.after(ms / 100, run),
};

test("frontends and backends that know one dispatcher learn all, later ones too", async () => {
  const { list, start } = datacenter();
  const { listener } = start("a");
  const common = { dispatchers: [listener.url], learns: true, auth: testAuth(), clock: hasty };
  const upstream = new HttpUpstream({
    ...common,
    credential: createFrontendCredential(),
    url: "http://127.0.0.1:1",
  });
  const publisherApi = createHttpPublisherApi({ ...common, random: Math.random });
  cleanups.push(
    () => upstream.close(),
    () => publisherApi.close(),
  );
  start("b");
  for (const caller of [upstream, publisherApi])
    await until(() => caller.dispatchers.length === 2, "both are known");
  const added = start("c");
  for (const caller of [upstream, publisherApi])
    await until(() => caller.dispatchers.includes(added.listener.url), "the new one is known");
  list.splice(0, 1);
  for (const caller of [upstream, publisherApi])
    await until(() => !caller.dispatchers.includes(listener.url), "the first one has ended");
});

test("DISPATCHERS_CALL_BYTES_MAX: a longer call is refused", async () => {
  const { listener, refusals } = datacenter().start("a");
  const call = (from: string, bytes: number) =>
    createInternalClient({ auth: testAuth(), from }).call(
      listener.url,
      DISPATCHERS_PATH,
      `{${" ".repeat(bytes - 2)}}`,
      { timeoutMs: 2000 },
    );
  expect(await call("backend", DISPATCHERS_CALL_BYTES_MAX)).toMatchObject({ id: "a" });
  await expect(call("backend", DISPATCHERS_CALL_BYTES_MAX + 1)).rejects.toThrow(
    `at most ${DISPATCHERS_CALL_BYTES_MAX} bytes`,
  );
  await expect(call("datacenter east d1", 10)).rejects.toThrow();
  expect(refusals).toMatchObject({ oversized: 1, "not-the-caller": 1 });
});

/** Dispatchers as a client that answers: URL → the id that responds there, or why it does not. */
function fake(responding: Map<string, string>, listed: () => readonly DispatcherAddress[]) {
  const clock = createManualClock();
  const choice = new DispatcherChoice(["http://seed"], clock, () => 0);
  const calls: string[] = [];
  const client: InternalClient = {
    async call(url) {
      calls.push(url);
      const id = responding.get(url);
      if (id === undefined) throw new CallFailedError("refused", true);
      if (id === "old") throw new CallFailedError("answered 404", false, "not-found");
      return { id, dispatchers: listed() };
    },
  };
  const learner = new DispatcherLearner({ choice, client, clock, random: () => 0.5 });
  cleanups.push(() => learner.close());
  return { clock, choice, calls, learner };
}

test("an address where none or another dispatcher responds is not used", async () => {
  const responding = new Map([
    ["http://seed", "a"],
    ["http://127.0.0.1:1", "neighbour"],
  ]);
  const listed = [
    { id: "a", url: "http://127.0.0.1:1" },
    { id: "b", url: "http://nowhere:1" },
  ];
  const { clock, choice, learner } = fake(responding, () => listed);
  learner.start();
  await clock.advance(20 * LEARN_EVERY_MS);
  expect(choice.urls).toEqual(["http://seed"]);
  responding.set("http://nowhere:1", "b");
  await clock.advance(80 * LEARN_EVERY_MS);
  expect(choice.urls).toEqual(["http://nowhere:1"]);
});

test("where no learned dispatcher responds, the seeds are called again", async () => {
  const responding = new Map([
    ["http://seed", "a"],
    ["http://b", "b"],
  ]);
  const { clock, choice, learner } = fake(responding, () => [{ id: "b", url: "http://b" }]);
  learner.start();
  await clock.advance(1);
  expect(choice.pick()).toBe("http://b");
  expect(choice.pick(new Set(["http://b"]))).toBe("http://seed");
  responding.delete("http://b");
  await clock.advance(2 * LEARN_EVERY_MS);
  expect(choice.pick()).toBe("http://seed");
});

test("a dispatcher of the version before is called as before, and not avoided", async () => {
  const responding = new Map([["http://seed", "old"]]);
  const { clock, choice, learner } = fake(responding, () => []);
  learner.start();
  await clock.advance(3 * LEARN_EVERY_MS);
  expect(choice.urls).toEqual(["http://seed"]);
  expect(choice.pick()).toBe("http://seed");
});

test("CONFIRMATIONS_MAX: so many addresses are confirmed at a time, the rest soon", async () => {
  const many = Array.from({ length: 20 }, (_, index) => ({
    id: `d${index}`,
    url: `http://d${index}`,
  }));
  const responding = new Map([["http://seed", "d0"], ...many.map(({ id, url }) => [url, id])] as [
    string,
    string,
  ][]);
  const { clock, choice, calls, learner } = fake(responding, () => many);
  learner.start();
  await clock.advance(1);
  expect(calls).toHaveLength(1 + CONFIRMATIONS_MAX);
  await clock.advance(3 * LEARN_SOON_MS);
  expect(choice.urls).toHaveLength(many.length);
  calls.length = 0;
  await clock.advance(LEARN_EVERY_MS * 10);
  // Confirmed ones are not asked again.
  expect(calls.length).toBeLessThan(12);
});

test("a restarted dispatcher is used while its old lease runs", async () => {
  const responding = new Map([
    ["http://seed", "a"],
    ["http://b", "b1"],
  ]);
  let listed = [{ id: "b1", url: "http://b" }];
  const { clock, choice, learner } = fake(responding, () => listed);
  learner.start();
  await clock.advance(1);
  responding.set("http://b", "b2");
  listed = ["b1", "b2"].map((id) => ({ id, url: "http://b" }));
  for (let ms = 0; ms < 4 * LEARN_EVERY_MS; ms += 100) {
    await clock.advance(100);
    expect(choice.urls).toEqual(["http://b"]);
    if (ms === 2 * LEARN_EVERY_MS) listed = [{ id: "b2", url: "http://b" }];
  }
});
