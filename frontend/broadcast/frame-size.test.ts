/** Every frame of a stream is at most FRAME_BYTES_MAX, whatever its topic, type, data and id. */

import { afterEach, expect, test } from "bun:test";
import {
  createFrameReader,
  EVENT_DATA_BYTES_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  type Event,
  FRAME_BYTES_MAX,
  parsePosition,
  TOPIC_ID_CHARACTERS_MAX,
  TOPICS_PER_CONNECTION_MAX,
  toJsonText,
} from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { PLAIN, UNNAMED, type WireForm } from "../connections/wire-form.ts";
import type { Frontend } from "../frontend.ts";
import { admitted } from "../testing/admitted.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";

const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

/** Distinct ones of the longest kind that the policy has, and the longest ids. */
const topics = Array.from({ length: TOPICS_PER_CONNECTION_MAX }, (_, index) =>
  topic(`member:${String(index).padStart(TOPIC_ID_CHARACTERS_MAX, "x")}`),
);
const type = "t".repeat(EVENT_TYPE_CHARACTERS_MAX);
const largest = "é".repeat(EVENT_DATA_BYTES_MAX / 2 - 1);

function open() {
  const upstream = new ModelUpstream();
  const frontend = newFrontend(upstream, { reportMs: 20 });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return { upstream, frontend };
}

/** A connection to all topics: the sizes of its frames, and what they say. */
function watch(frontend: Frontend, form: WireForm, lastEventId?: string) {
  const frames: string[] = [];
  const events: { readonly type: string; readonly data: { readonly seq?: number } }[] = [];
  const ids: string[] = [];
  const reader = createFrameReader({
    onMessage: ({ type: name, data, lastEventId: id }) => {
      events.push({ type: name, data: JSON.parse(data) });
      ids.push(id);
    },
  });
  let rest = "";
  const writer = {
    write(bytes: Uint8Array) {
      const text = new TextDecoder().decode(bytes);
      reader.feed(text);
      const parts = (rest + text).split("\n\n");
      rest = parts.pop() ?? "";
      frames.push(...parts.map((part) => `${part}\n\n`));
      return bytes.length;
    },
    end() {},
    cut() {},
  };
  const request = {
    topics,
    identity: undefined,
    position: lastEventId === undefined ? undefined : parsePosition(lastEventId),
    form,
    address: "127.0.0.1",
  };
  const connection = admitted(frontend.admit(request));
  void frontend.open(connection, writer, request);
  const sizes = () => frames.map((frame) => new TextEncoder().encode(frame).length);
  return { connection, events, ids, sizes };
}

const FORMS: readonly WireForm[] = [PLAIN as WireForm, UNNAMED as WireForm];
for (const form of FORMS) {
  test(`first frame, events and a replay of the most topics fit (form ${form})`, async () => {
    const { upstream, frontend } = open();
    const one = topics.at(-1) ?? topic("member:x");
    const before = watch(frontend, form);
    await until(() => before.connection.ready);
    const live: Event = { topic: one, type, at: Date.now(), data: toJsonText(largest) };
    upstream.send([live]);
    for (const name of topics) upstream.append(name, "x");
    upstream.append(one, largest, { type });
    await until(() => before.events.length >= 1 + 1 + topics.length + 1);
    // The position of a viewer that has one event of each topic, listed.
    const position = before.ids[0] ?? "";
    frontend.end(before.connection, "lifetime");
    const after = watch(frontend, form, position);
    await until(() => after.events.length >= 1 + topics.length + 1);
    const sizes = [...before.sizes(), ...after.sizes()];
    expect(Math.max(...sizes)).toBeLessThanOrEqual(FRAME_BYTES_MAX);
    // Not by much room: the bound of data is what is left of the frame.
    expect(Math.max(...sizes)).toBeGreaterThan(EVENT_DATA_BYTES_MAX);
  });
}

test("a stored event too large for a frame is announced at its place", async () => {
  const { upstream, frontend } = open();
  const viewer = watch(frontend, PLAIN as WireForm);
  await until(() => viewer.connection.ready);
  const one = topics[0] ?? topic("member:x");
  const tooLarge = `${largest}é`;
  upstream.live(one, "goal", tooLarge);
  upstream.append(one, "first");
  upstream.append(one, tooLarge);
  upstream.append(one, "third");
  const ofTopic = () => viewer.events.filter(({ type: name }) => name !== "connection");
  await until(() => ofTopic().length === 4);
  expect(ofTopic().map(({ type: name, data }) => [name, data.seq])).toEqual([
    ["gap", undefined],
    ["comment", 1],
    ["gap", 2],
    ["comment", 3],
  ]);
  expect(ofTopic()[2]?.data).toMatchObject({ data: { lost: 1, reason: "large" } });
  expect(frontend.counters.pending.oversized).toBe(2);
  const returned = watch(frontend, PLAIN as WireForm, viewer.ids[0] ?? "");
  await until(() => returned.events.length === 4);
  expect(returned.events.map(({ type: name }) => name)).toEqual([
    "connection",
    "comment",
    "gap",
    "comment",
  ]);
});
