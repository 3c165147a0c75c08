import { afterEach, expect, test } from "bun:test";
import { type Event, toJsonText, topicOf } from "@ovation/protocol";
import { createBackboneRoutes, createHttpBackbone } from "./backend-calls.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";
import { testAuth } from "./testing/internal-frontend.ts";
import { startTcpProxy } from "./testing/tcp-proxy.ts";

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
  const started = startInternalDispatcher(testStores(), {
    routes: (_, refusals) =>
      createBackboneRoutes({
        auth: testAuth(),
        refusals,
        backbone: {
          publish: async (events) => void published.push(...events),
          viewers: async () => new Map(),
        },
      }),
  });
  const network = await startTcpProxy({ target: { port: started.listener.port } });
  cleanups.push(
    () => started.stop(),
    () => network.stop(),
  );
  return { published, network, url: `http://127.0.0.1:${network.port}` };
}

function backboneOver(
  dispatchers: readonly string[],
  onUnanswered: (events: number) => void = () => undefined,
) {
  return createHttpBackbone({ dispatchers, auth: testAuth(), random: () => 0, onUnanswered });
}

test("of events whose answer was lost only the durable ones are sent to another dispatcher", async () => {
  const [first, second] = [await listening(), await listening()];
  first.network.halfCut("back");
  await backboneOver([first.url, second.url]).publish([goal, comment]);
  expect(first.published).toEqual([goal, comment]);
  expect(second.published).toEqual([comment]);
}, 10_000);

test("live events without an answer are not sent again; they are counted, and whoever publishes them is told nothing", async () => {
  const [first, second] = [await listening(), await listening()];
  first.network.halfCut("back");
  const unanswered: number[] = [];
  await backboneOver([first.url, second.url], (events) => unanswered.push(events)).publish([
    goal,
    goal,
  ]);
  expect(unanswered).toEqual([2]);
  expect(first.published).toEqual([goal, goal]);
  expect(second.published).toEqual([]);
}, 10_000);

test("where nobody listens nothing was sent: another dispatcher gets everything, or the publisher is told", async () => {
  const second = await listening();
  await backboneOver(["http://127.0.0.1:1", second.url]).publish([goal, comment]);
  expect(second.published).toEqual([goal, comment]);
  expect(backboneOver(["http://127.0.0.1:1"]).publish([goal])).rejects.toThrow(
    "no dispatcher answers",
  );
});
