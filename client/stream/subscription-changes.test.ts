import { expect, test } from "bun:test";
import { parseTopic, type Topic } from "@ovation/protocol";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { REQUEST_RETRIES_MAX } from "../limits.ts";
import { ApiError } from "../requests/api-error.ts";
import type { SendRequest } from "../requests/request.ts";
import { SubscriptionChanges } from "./subscription-changes.ts";
import { TopicTable } from "./topic-table.ts";

const [ONE, TWO] = ["video:1", "video:2"].map((text) => parseTopic(text) as Topic) as [
  Topic,
  Topic,
];

function begin() {
  const clock = createManualClock();
  const refused: string[] = [];
  const table = new TopicTable(
    clock,
    () => 0.5,
    {
      onEvent() {},
      onSubscribed() {},
      onReset() {},
      onRefused: (topic, code) => void refused.push(`${topic} ${code}`),
    },
    () => {},
  );
  const requests: { method: string; topics: readonly Topic[]; order: number; at: number }[] = [];
  const respond: { resolve(answer: unknown): void; reject(error: ApiError): void }[] = [];
  const send: SendRequest = (method, _, { body } = {}) => {
    const { topics, order } = body as { topics: readonly Topic[]; order: number };
    requests.push({ method, topics, order, at: clock.now() });
    return new Promise((resolve, reject) => respond.push({ resolve, reject }));
  };
  let broken = 0;
  const changes = new SubscriptionChanges(table, send, clock, () => broken++);
  return {
    clock,
    table,
    changes,
    requests,
    refused,
    broken: () => broken,
    async succeed(answer: unknown = {}) {
      respond.shift()?.resolve(answer);
      await settle();
    },
    async fail(status: number, code: string, retryAfterMs?: number) {
      respond.shift()?.reject(new ApiError(code, status, code, retryAfterMs));
      await settle();
    },
  };
}

test("a burst is one request, and a topic added and removed within it none", () => {
  const { table, changes, requests } = begin();
  changes.begin("c", []);
  table.add(ONE);
  table.add(TWO);
  table.remove(TWO);
  changes.settle();
  changes.settle();
  expect(requests).toMatchObject([{ method: "PUT", topics: [ONE], order: 1 }]);
});

test("changes during a request follow it, in order", async () => {
  const { table, changes, requests, succeed } = begin();
  table.add(ONE);
  changes.begin("c", []);
  table.remove(ONE);
  table.add(TWO);
  changes.settle();
  expect(requests).toHaveLength(1);
  await succeed({ results: { [ONE]: { head: 1, epoch: "e" } } });
  expect(requests.at(-1)).toMatchObject({ method: "DELETE", topics: [ONE], order: 2 });
  await succeed();
  expect(requests.at(-1)).toMatchObject({ method: "PUT", topics: [TWO], order: 3 });
});

test("a topic without a result is refused, and the others are active", async () => {
  const { table, changes, refused, succeed } = begin();
  table.add(ONE);
  table.add(TWO);
  changes.begin("c", []);
  await succeed({ results: { [ONE]: { head: 0 } } });
  expect(refused).toEqual([`${TWO} not-answered`]);
  expect(table.inactive).toEqual([]);
});

test("a refused request refuses its topics", async () => {
  const { table, changes, refused, fail } = begin();
  table.add(ONE);
  changes.begin("c", []);
  await fail(403, "forbidden");
  expect(refused).toEqual([`${ONE} forbidden`]);
});

test("a failure is retried with backoff, then the connection counts as broken", async () => {
  const { clock, table, changes, requests, fail, broken } = begin();
  table.add(ONE);
  changes.begin("c", []);
  for (let failure = 1; failure <= REQUEST_RETRIES_MAX; failure++) {
    await fail(503, "unavailable");
    await clock.advance(1000);
    expect(requests).toHaveLength(failure + 1);
  }
  await fail(503, "unavailable");
  expect(broken()).toBe(1);
});

test("a rate limit is waited for, however often, and 412 means a closed connection", async () => {
  const { clock, table, changes, requests, fail, broken } = begin();
  table.add(ONE);
  changes.begin("c", []);
  for (let times = 0; times < 10; times++) {
    await fail(429, "rate-limited", 300);
    await clock.advance(299);
    expect(requests).toHaveLength(times + 1);
    await clock.advance(1);
  }
  expect(broken()).toBe(0);
  await fail(412, "connection-closed");
  expect(broken()).toBe(1);
});

test("a response of an earlier connection changes nothing", async () => {
  const { table, changes, refused, fail } = begin();
  table.add(ONE);
  changes.begin("old", []);
  changes.end();
  changes.begin("new", [ONE]);
  await fail(403, "forbidden");
  expect(refused).toEqual([]);
});

test("a check asks for the heads of all topics once", async () => {
  const { table, changes, requests, succeed } = begin();
  table.add(ONE);
  changes.begin("c", [ONE]);
  await succeed({ results: { [ONE]: { head: 3, epoch: "e" } } });
  changes.verify();
  expect(requests.at(-1)).toMatchObject({ method: "PUT", topics: [ONE] });
  await succeed({ results: { [ONE]: { head: 3, epoch: "e" } } });
  const { length } = requests;
  changes.settle();
  expect(requests).toHaveLength(length);
});
