import { afterEach, expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import type { Frontend } from "../frontend.ts";
import { RETURN_SPREAD_MS } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";
import { OPEN_ADMISSION } from "./admission.ts";
import { PLAIN } from "./wire-form.ts";

const TOPIC = topic("video:1");
let running: Frontend | undefined;
afterEach(() => running?.stop());

function started(options: Parameters<typeof newFrontend>[1] = {}) {
  const clock = createManualClock();
  const upstream = new ModelUpstream();
  const frontend = newFrontend(upstream, { clock, steady: clock, random: () => 0.5, ...options });
  upstream.inboxes.push(frontend);
  frontend.start();
  running = frontend;
  return { clock, upstream, frontend };
}

test("the first event names the connection, and the head of each topic", async () => {
  const { clock, upstream, frontend } = started();
  upstream.append(TOPIC, { text: "a" });
  const viewer = new Viewer(frontend, [TOPIC]);
  await clock.advance(10);
  const [first] = viewer.received;
  expect(first).toMatchObject({
    type: "connection",
    data: { connectionId: viewer.connection.id, topics: { [TOPIC]: { head: 1, recovered: true } } },
  });
  expect(viewer.retryMs).toBeGreaterThan(0);
  expect(viewer.retryMs).toBeLessThanOrEqual(RETURN_SPREAD_MS);
});

test("a connection leaves the admission once, however often it is closed", async () => {
  const { clock, frontend } = started({ admission: { ...OPEN_ADMISSION, connectionsMax: 2 } });
  const request = {
    topics: [TOPIC],
    identity: undefined,
    position: undefined,
    form: PLAIN,
    address: "127.0.0.1",
  };
  const viewer = new Viewer(frontend, [TOPIC]);
  frontend.admit(request);
  await clock.advance(10);
  expect(frontend.admit(request)).toBeString();
  frontend.closed(viewer.connection, "left");
  frontend.closed(viewer.connection, "left");
  expect(frontend.counters.closes).toEqual({ left: 1 });
  expect([typeof frontend.admit(request), typeof frontend.admit(request)]).toEqual([
    "object",
    "string",
  ]);
});

test("a drain ends connections at its rate, each with its own time to return", async () => {
  const { clock, frontend } = started();
  const viewers = Array.from({ length: 100 }, () => new Viewer(frontend, [TOPIC]));
  await clock.advance(10);
  const drained = frontend.drain(2000, 20);
  await clock.advance(1000);
  const ended = viewers.filter((viewer) => viewer.ended).length;
  expect(ended).toBeGreaterThan(30);
  expect(ended).toBeLessThan(70);
  await clock.advance(1100);
  await drained;
  expect(viewers.every((viewer) => viewer.ended)).toBe(true);
  for (const { received } of viewers)
    expect(received.at(-1)).toMatchObject({ type: "reconnect", data: { reason: "drain" } });
});
