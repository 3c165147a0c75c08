import { afterEach, expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import type { Frontend } from "../frontend.ts";
import { REACH_MS_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";
import { CatchUp } from "./catch-up.ts";
import type { Repair } from "./repair.ts";

const video = topic("video:42");
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

function frontendOn(
  upstream: ModelUpstream,
  id = "frontend1",
  options: { readonly reportMs?: number; arrived?(): Promise<void> } = {},
): Frontend {
  const frontend = newFrontend(upstream, { name: id, reportMs: 20, ...options });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return frontend;
}

test("a viewer that moves to a frontend that is behind gets each live event once", async () => {
  const upstream = new ModelUpstream();
  const first = frontendOn(upstream);
  const before = new Viewer(first, [video]);
  await until(() => before.received.length > 0);
  upstream.live(video, "goal", 1);
  upstream.append(video, "a");
  await until(() => before.of("comment").length === 1);
  upstream.inboxes = [];
  // The second one was paused: it has yet to receive the events that the viewer has.
  let arrive: () => void = () => undefined;
  const second = frontendOn(upstream, "frontend2", {
    arrived: () =>
      new Promise((resolve) => {
        arrive = resolve;
      }),
  });
  const staying = new Viewer(second, [video]);
  await until(() => staying.received.length > 0);
  const back = new Viewer(second, [video], { lastEventId: before.lastEventId });
  upstream.live(video, "goal", 1);
  upstream.append(video, "b");
  await Bun.sleep(20);
  expect(back.received).toEqual([]);
  upstream.live(video, "goal", 2);
  arrive();
  await until(() => back.received.length > 0);
  upstream.live(video, "goal", 3);
  await until(() => back.of("goal").length > 0 && staying.of("goal").length === 3);
  expect(back.of("goal").map(({ data }) => data)).toEqual([3]);
  expect(back.of("comment").map(({ data }) => data)).toEqual(["b"]);
});

test("a frontend that is behind catches up before it serves a viewer: no event twice", async () => {
  const upstream = new ModelUpstream();
  const first = frontendOn(upstream);
  const second = frontendOn(upstream, "frontend2", { reportMs: 60_000 });
  const staying = new Viewer(second, [video]);
  const viewer = new Viewer(first, [video]);
  await until(() => staying.connection.ready && viewer.connection.ready);
  upstream.append(video, 1);
  await until(() => staying.seqs(video).length === 1);
  // The second one is paused, and what is sent to it is lost.
  upstream.inboxes = [first];
  for (let seq = 2; seq <= 30; seq++) upstream.append(video, seq);
  await until(() => viewer.seqs(video).length === 30);
  upstream.inboxes = [second];
  const back = new Viewer(second, [video], { lastEventId: viewer.lastEventId });
  await until(() => back.received.length > 0);
  expect(back.received[0]?.fields.topics[video]).toEqual({ head: 30, recovered: true });
  upstream.append(video, 31);
  await until(() => back.seqs(video).length > 0 && staying.seqs(video).length === 31);
  expect(back.seqs(video)).toEqual([31]);
});

test("REACH_MS_MAX: a viewer waits so long for a frontend that is behind", async () => {
  const clock = createManualClock();
  const channel = { topic: video, seq: 1, batched: { seq: 1, epoch: "epoch1" } } as HubChannel;
  const catchUp = new CatchUp({
    frontend: "frontend1" as Frontend["id"],
    hub: { channel: () => channel } as Partial<Hub> as Hub,
    repair: { reach: () => new Promise<void>(() => undefined) } as Partial<Repair> as Repair,
    clock,
  });
  let isOver = false;
  void catchUp.reach(channel, 2).then(() => {
    isOver = true;
  });
  await clock.advance(REACH_MS_MAX - 1);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
});
