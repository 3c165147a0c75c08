/** What a connection that is polled keeps between two polls, and what happens at its limits. */

import { expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { until } from "../testing/until.ts";
import { wireForm } from "./connections/wire-form.ts";
import { POLL_BUFFER_BYTES_MAX, POLL_MOVED_MS } from "./limits.ts";
import { Polls } from "./polls.ts";
import { admitted } from "./testing/admitted.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const request = {
  topics: [video],
  identity: undefined,
  position: undefined,
  form: wireForm({ unnamed: true }),
  address: "127.0.0.1",
};

interface Answer {
  readonly position: string;
  readonly events: readonly { readonly type: string; readonly seq?: number; data: unknown }[];
}

test("a client that polls too seldom gets a gap and all durable events", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  const session = admitted(new Polls({ frontend, clock: systemClock }).open(request));
  const fast = new Viewer(frontend, [video]);
  let answer = JSON.parse(await session.poll("")) as Answer;
  await until(() => fast.connection.ready);
  const goals = 400;
  for (let count = 1; count <= goals; count++) {
    // More than its buffer and the topic's ring together.
    upstream.live(video, "goal", "g".repeat(4096));
    if (count % 4 === 0) upstream.append(video, count);
    await until(() => fast.of("goal").length === count);
  }
  expect(frontend.counters.slow).toBe(1);
  const events: Answer["events"][number][] = [];
  const seqs = () => events.flatMap(({ seq }) => seq ?? []);
  while (seqs().length < goals / 4) {
    const text = await session.poll(answer.position);
    // The buffer, and the write by which it was filled.
    expect(text.length).toBeLessThan(POLL_BUFFER_BYTES_MAX * 2);
    answer = JSON.parse(text) as Answer;
    events.push(...answer.events);
  }
  expect(seqs()).toEqual(Array.from({ length: goals / 4 }, (_, index) => index + 1));
  const gaps = events.filter(({ type }) => type === "gap");
  expect(gaps.length).toBe(1);
  const gap = gaps[0]?.data as { lost: number } | undefined;
  expect(events.filter(({ type }) => type === "goal").length + (gap?.lost ?? 0)).toBe(goals);
  expect(frontend.counters.slow).toBe(0);
});

test("POLL_MOVED_MS: a client from another frontend gets its response no sooner", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  const polls = new Polls({ frontend, clock: systemClock });
  const tookMs = async (isMoved: boolean) => {
    const from = performance.now();
    const session = admitted(polls.open(request, isMoved));
    const asked = session.poll("");
    await until(() => session.connection.ready);
    upstream.append(video, "news");
    const { position, events } = JSON.parse(await asked) as Answer;
    const first = performance.now() - from;
    upstream.append(video, "more");
    await session.poll(position);
    return { first, second: performance.now() - from - first, events: events.length };
  };
  const moved = await tookMs(true);
  expect(moved.first).toBeGreaterThanOrEqual(POLL_MOVED_MS - 1);
  expect(moved.events).toBeGreaterThan(1);
  // Where it stays, news come at once.
  expect(moved.second).toBeLessThan(POLL_MOVED_MS / 2);
  expect((await tookMs(false)).first).toBeLessThan(POLL_MOVED_MS / 2);
});
