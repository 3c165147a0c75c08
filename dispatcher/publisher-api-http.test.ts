import { afterEach, expect, test } from "bun:test";
import {
  type Clock,
  type Event,
  systemClock,
  TOPIC_ID_CHARACTERS_MAX,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { createManualClock } from "../testing/manual-clock.ts";
import { seededRandom } from "../testing/random.ts";
import { startTcpProxy } from "../testing/tcp-proxy.ts";
import { encodeEvents } from "./event-codec.ts";
import {
  createHttpPublisherApi,
  createPublisherApiRoutes,
  EVENTS_PER_CALL_MAX,
  PUBLISH_BYTES_MAX,
  TOPICS_PER_CALL_MAX,
  VIEWERS_BYTES_MAX,
} from "./publisher-api-http.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";
import { testAuth } from "./testing/internal-frontend.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const topic = topicOf("video", "1");
const goal: Event = { topic, type: "goal", at: 1, data: toJsonText({}) };
const comment: Event = {
  topic,
  type: "comment",
  at: 2,
  data: toJsonText({}),
  place: { seq: 1, epoch: "e", stamp: 1 },
};

/** A dispatcher, and what backends published to it. */
async function listening() {
  const published: Event[] = [];
  const calls: number[] = [];
  const asked: number[] = [];
  const started = startInternalDispatcher(testStores(), {
    routes: (_, refusals) =>
      createPublisherApiRoutes({
        auth: testAuth(),
        refusals,
        publisherApi: {
          async publish(events) {
            calls.push(events.length);
            for (const event of events) published.push(event);
          },
          async viewers(topics) {
            asked.push(topics.length);
            return new Map(topics.map((one) => [one, 7]));
          },
        },
      }),
  });
  const network = await startTcpProxy({ target: { port: started.listener.port } });
  cleanups.push(
    () => started.stop(),
    () => network.stop(),
  );
  return { published, calls, asked, network, url: `http://127.0.0.1:${network.port}` };
}

function publisherApiOver(
  dispatchers: readonly string[],
  onUnanswered: (events: number) => void = () => undefined,
  { clock = systemClock, random = () => 0 }: { clock?: Clock; random?: () => number } = {},
) {
  return createHttpPublisherApi({
    dispatchers,
    auth: testAuth(),
    clock,
    random,
    onUnanswered,
  });
}

test("after a lost response only durable events are sent to another dispatcher", async () => {
  const [first, second] = [await listening(), await listening()];
  first.network.halfCut("back");
  await publisherApiOver([first.url, second.url]).publish([goal, comment]);
  expect(first.published).toEqual([goal, comment]);
  expect(second.published).toEqual([comment]);
}, 10_000);

test("live events without a response are counted, not sent again", async () => {
  const [first, second] = [await listening(), await listening()];
  first.network.halfCut("back");
  const unanswered: number[] = [];
  await publisherApiOver([first.url, second.url], (events) => unanswered.push(events)).publish([
    goal,
    goal,
  ]);
  expect(unanswered).toEqual([2]);
  expect(first.published).toEqual([goal, goal]);
  expect(second.published).toEqual([]);
}, 10_000);

test("where the connection is refused, another dispatcher gets all events", async () => {
  const second = await listening();
  await publisherApiOver(["http://127.0.0.1:1", second.url]).publish([goal, comment]);
  expect(second.published).toEqual([goal, comment]);
  expect(publisherApiOver(["http://127.0.0.1:1"]).publish([goal])).rejects.toThrow(
    "no dispatcher answers",
  );
});

test("a process publishes through one for a turn, and over time through all", async () => {
  const started = [await listening(), await listening(), await listening()];
  const clock = createManualClock();
  const random = seededRandom(7);
  const urls = started.map(({ url }) => url);
  const api = publisherApiOver(urls, () => undefined, { clock, random });
  let turns = 0;
  let before = -1;
  for (let call = 0; call < 300; call++) {
    await api.publish([goal]);
    const now = started.findIndex(({ published }) => published.splice(0).length > 0);
    if (now !== before) turns++;
    before = now;
    await clock.advance(100);
  }
  const calls = started.map((one) => one.calls.length);
  expect(Math.max(...calls) / 100).toBeLessThan(1.5);
  // A turn lasts for 5 to 15 of the calls.
  expect(turns).toBeLessThan(60);
  expect(turns).toBeGreaterThan(5);
}, 20_000);

async function post(url: string, path: string, body: string): Promise<number> {
  const headers = testAuth().sign({ method: "POST", path, from: "backend", to: "", body });
  return (await fetch(url + path, { method: "POST", headers, body })).status;
}

const goals = (count: number, data = toJsonText({})) =>
  Array.from({ length: count }, (_, at): Event => ({ topic, type: "goal", at, data }));

test("EVENTS_PER_CALL_MAX: more events go in several calls, in order", async () => {
  const one = await listening();
  const events = goals(EVENTS_PER_CALL_MAX + 1);
  await publisherApiOver([one.url]).publish(events);
  expect(one.calls).toEqual([EVENTS_PER_CALL_MAX, 1]);
  expect(one.published).toEqual(events);
  expect(await post(one.url, "/internal/v1/publish", encodeEvents(events))).toBe(400);
  expect(one.calls).toHaveLength(2);
});

test("PUBLISH_BYTES_MAX: more bytes go in several calls, in order", async () => {
  const one = await listening();
  const events = goals(200, toJsonText("é".repeat(30_000)));
  expect(Buffer.byteLength(encodeEvents(events))).toBeGreaterThan(PUBLISH_BYTES_MAX);
  await publisherApiOver([one.url]).publish(events);
  expect(one.calls).toEqual([100, 100]);
  expect(one.published).toEqual(events);
  const [event] = goals(1, toJsonText("x".repeat(PUBLISH_BYTES_MAX)));
  expect(await post(one.url, "/internal/v1/publish", encodeEvents(event ? [event] : []))).toBe(413);
});

test("TOPICS_PER_CALL_MAX and VIEWERS_BYTES_MAX: more topics go in several calls", async () => {
  const one = await listening();
  const topics = Array.from({ length: TOPICS_PER_CALL_MAX + 1 }, (_, index) =>
    topicOf("member", String(index).padStart(TOPIC_ID_CHARACTERS_MAX, "m")),
  );
  const counts = await publisherApiOver([one.url]).viewers(topics);
  expect(one.asked).toEqual([TOPICS_PER_CALL_MAX, 1]);
  expect(topics.every((each) => counts.get(each) === 7)).toBe(true);
  expect(await post(one.url, "/internal/v1/viewers", JSON.stringify({ topics }))).toBe(400);
  const large = " ".repeat(VIEWERS_BYTES_MAX + 1);
  expect(await post(one.url, "/internal/v1/viewers", large)).toBe(413);
});
