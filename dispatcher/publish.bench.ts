/**
 * What `POST /v1/publish` costs a dispatcher, taken apart: CPU per event of this process, for one
 * event in a request and for a hundred. Each row does what the one above does and one step more.
 * The HTTP server in front is not in it, and of the token only that it is remembered.
 *
 *     sh ovation/bin/bun dispatcher/publish.bench.ts [--seconds 2] [--topics 16]
 */

import { parseArgs } from "node:util";
import { MemoryLog } from "@ovation/log";
import { DEFAULT_POLICY, type Event, type Identity, systemClock, topicOf } from "@ovation/protocol";
import { acceptEvents } from "./accepted-event.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { FrontendLinks } from "./links/links.ts";
import { LocalLinks } from "./links/links-local.ts";
import { createPublishRoute } from "./publish-route.ts";
import { parsePublishedBody } from "./published-body.ts";
import { startBenchFrontends } from "./testing/bench-frontends.ts";
import { startInternalDispatcher, testStores } from "./testing/internal-dispatcher.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "2" }, topics: { type: "string", default: "16" } },
});
const WARM_UP_MS = 700;
const policy = DEFAULT_POLICY;
const topics = Array.from({ length: Number(values.topics) }, (_, index) =>
  topicOf("video", `dispatch-${index}`),
);
const identity: Identity = {
  sub: "load",
  name: "load",
  role: "host",
  videoRoles: {},
  subscribe: [],
  publish: ["*"],
};
const tokens = new Map([[`Bearer ${"x".repeat(220)}`, identity]]);

const frontends = await startBenchFrontends({ topics });
const stores = { ...testStores(), table: frontends.table };
const whole = startInternalDispatcher(stores);
const lookedUp = new Dispatcher({
  ...stores,
  clock: systemClock,
  policy,
  links: new LocalLinks({ inboxOf: () => undefined }),
  calls: { changeConnection: async () => ({ ok: false, error: "unknown-connection" }) },
  onFailure: (what, error) => console.error(what, error),
});
await settle(whole.links);

for (const batch of [1, 100]) {
  const body = bodyOf(batch);
  const bytes = new TextEncoder().encode(body);
  const list = parsePublishedBody(bytes, null);
  const handle = (publish: (events: readonly Event[]) => Promise<number>) => {
    const route = createPublishRoute({
      authenticate: async (request) => tokens.get(request.headers.get("authorization") ?? ""),
      policy,
      log: new MemoryLog({ clock: systemClock, policy }),
      clock: systemClock,
      isDeleted: () => false,
      publish,
    });
    const context = { params: {}, address: "" };
    return async () => (await route.handle(requestOf(body), context)).status;
  };
  console.log(`${batch} per request:`);
  await measure("read", batch, async () => parsePublishedBody(bytes, null));
  await measure("checked", batch, async () => acceptEvents(list, identity, policy));
  await measure("a Request made, and its body read (no part of the path)", batch, () =>
    requestOf(body).arrayBuffer(),
  );
  await measure(
    "… the route: token, body, JSON, checked, answered",
    batch,
    handle(async () => 0),
  );
  await measure(
    "… looked up in Redis",
    batch,
    handle((events) => lookedUp.publish(events)),
  );
  await measure(
    "… sent to four frontends",
    batch,
    handle((events) => whole.dispatcher.publish(events)),
  );
  while (whole.links.stats().waiting > 0) await Bun.sleep(10);
}
await whole.stop();
await frontends.stop();
process.exit(0);

/** As many requests in flight as the benchmark `dispatcher` has clients. */
async function measure(name: string, batch: number, run: () => Promise<unknown>): Promise<void> {
  const clients = batch === 1 ? 64 : 8;
  const during = async (ms: number): Promise<number> => {
    const end = performance.now() + ms;
    let count = 0;
    const client = async () => {
      while (performance.now() < end) {
        await run();
        // What never leaves the process would never let anything else run.
        if (++count % 64 === 0) await new Promise(setImmediate);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    return count;
  };
  await during(WARM_UP_MS);
  const before = process.cpuUsage();
  const count = await during(Number(values.seconds) * 1000);
  const { user, system } = process.cpuUsage(before);
  console.log(`  ${((user + system) / count / batch).toFixed(2).padStart(6)} µs  ${name}`);
}

function requestOf(body: string): Request {
  return new Request("http://127.0.0.1/v1/publish", {
    method: "POST",
    headers: {
      authorization: `Bearer ${"x".repeat(220)}`,
      "content-type": "application/json",
      "content-length": String(body.length),
    },
    body,
  });
}

function bodyOf(batch: number): string {
  const event = (number: number) =>
    `{"topic":"${topics[number % topics.length]}","type":"goal",` +
    '"data":{"text":"a comment of some length, as they are","from":1}}';
  return batch === 1
    ? event(0)
    : `[${Array.from({ length: batch }, (_, number) => event(number)).join(",")}]`;
}

async function settle(links: FrontendLinks): Promise<void> {
  await whole.dispatcher.publish(
    topics.map((topic) => ({ topic, type: "goal", at: 0, data: "{}" as Event["data"] })),
  );
  while (links.stats().open < 4) await Bun.sleep(10);
}
