import { expect, test } from "bun:test";
import { MemoryLog } from "@ovation/log";
import {
  DEFAULT_POLICY,
  type Event,
  type Identity,
  JSON_DEPTH_MAX,
  Problem,
  PUBLISH_EVENTS_MAX,
  PUBLISHER_BODY_BYTES_MAX,
  systemClock,
  TextAnswer,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { createPublishRoute } from "./publish-route.ts";

const identity: Identity = {
  sub: "backend",
  name: "backend",
  role: "host",
  videoRoles: {},
  subscribe: [],
  publish: ["*"],
};
const topic = topicOf("video", "1");

function open(deleted: readonly Topic[] = [], dropped = 0) {
  const log = new MemoryLog({ clock: systemClock, policy: DEFAULT_POLICY });
  const published: Event[] = [];
  const route = createPublishRoute({
    authenticate: async () => identity,
    policy: DEFAULT_POLICY,
    log,
    clock: systemClock,
    isDeleted: async (name) => deleted.includes(name),
    async publish(events) {
      published.push(...events);
      return dropped;
    },
  });
  const context = { params: {}, address: "", stream: () => new Response() };
  async function post(body: string, contentType = "application/json") {
    const request = new Request("http://localhost/v1/publish", {
      method: "POST",
      headers: { "content-type": contentType },
      body,
    });
    try {
      const answer = await route.handle(request, context);
      if (!(answer instanceof TextAnswer)) throw new Error("not an answer of this route");
      return { status: answer.status, body: JSON.parse(answer.body) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { status: error.status, body: error.toBody() };
    }
  }
  return { log, published, post };
}

const goal = (data: string, id?: string, durable = true) => {
  const key = id === undefined ? "" : `,"id":${JSON.stringify(id)}`;
  return `{"topic":"video:1","type":"goal","durable":${durable},"data":${data}${key}}`;
};

test("data is stored and published byte for byte, but for space between its tokens", async () => {
  const { log, published, post } = open();
  const texts = ['{"b":1.0,"a":-0,"1":1e3}', '"\\u00e9"', "[100000000000000000000]"];
  for (const data of texts) expect((await post(goal(data))).status).toBe(201);
  expect((await post(goal('{ "a" :\n [ 1, " " ] }', undefined, false))).status).toBe(202);
  expect(published.map(({ data }) => String(data))).toEqual([...texts, '{"a":[1," "]}']);
  const { events } = await log.read(topic, { after: 0, limit: 10 });
  expect(events.map(({ data }) => String(data))).toEqual(texts);
});

test("an inexact value is refused by its path, in every form of a body", async () => {
  const { published, post } = open();
  const good = goal("1");
  const bad = goal('{"ids":[1,9007199254740993]}');
  const detail = (index: number) =>
    `event ${index}: data.ids[1]: 9007199254740993 is not exactly a number of 64 bits; ` +
    "send it as a string";
  for (const [body, type, index] of [
    [bad, "application/json", 0],
    [`[${good},${good},${bad}]`, "application/json", 2],
    [`${good}\n\n${bad}\n`, "application/x-ndjson", 1],
  ] as const)
    expect(await post(body, type)).toMatchObject({
      status: 400,
      body: { code: "invalid-body", detail: detail(index), index },
    });
  for (const data of [
    "1e999",
    '{"a":1,"a":1}',
    '{"__proto__":1}',
    '"\\ud800"',
    "[".repeat(70) + "]".repeat(70),
  ])
    expect((await post(goal(data))).body.code).toBe("invalid-body");
  expect((await post('{"topic":"video:1","topic":"video:2","type":"goal"}')).body.detail).toBe(
    "event 0: topic: this member is there twice, and readers differ in which one counts",
  );
  expect((await post(`${good}\n[${good}]`, "application/x-ndjson")).body.code).toBe("invalid-body");
  expect(published).toEqual([]);
});

test("PUBLISH_EVENTS_MAX, PUBLISHER_BODY_BYTES_MAX: a larger body is refused", async () => {
  const { published, post } = open();
  const small = '{"topic":"video:1","type":"g"}';
  const body = (count: number) => `[${Array.from({ length: count }, () => small).join(",")}]`;
  expect((await post(body(PUBLISH_EVENTS_MAX))).status).toBe(202);
  expect((await post(body(PUBLISH_EVENTS_MAX + 1))).body).toMatchObject({
    code: "invalid-body",
    detail: `at most ${PUBLISH_EVENTS_MAX} events in one request`,
  });
  const lines = `${small}\n`.repeat(PUBLISH_EVENTS_MAX + 1);
  expect((await post(lines, "application/x-ndjson")).body.code).toBe("invalid-body");
  expect(published).toHaveLength(PUBLISH_EVENTS_MAX);
  const padded = (bytes: number) => small + " ".repeat(bytes - small.length);
  expect((await post(padded(PUBLISHER_BODY_BYTES_MAX))).status).toBe(202);
  expect((await post(padded(PUBLISHER_BODY_BYTES_MAX + 1))).status).toBe(413);
});

test("a repeated id gets the first one's number; for another event it is refused", async () => {
  const { log, published, post } = open();
  expect((await post(goal('{"a":1,"b":2}', "k"))).body).toEqual({ accepted: 1, seqs: [1] });
  expect((await post(goal('{"a":1,"b":2}', "k"))).body).toEqual({ accepted: 1, seqs: [1] });
  // Written in another way by the same backend.
  expect((await post(goal('{ "b":2.0, "a":1 }', "k"))).body).toEqual({ accepted: 1, seqs: [1] });
  expect(published).toHaveLength(1);
  const answer = await post(
    `[${goal("1", "new")},${goal('{"a":2}', "k")},${goal("2", undefined, false)}]`,
  );
  expect(answer).toMatchObject({
    status: 409,
    body: { code: "key-reused", index: 1, seqs: [2, null, null] },
  });
  expect(published.slice(1).map(({ data }) => String(data))).toEqual(["1", "2"]);
  const another = goal('{"a":1,"b":2}', "k").replace('"goal"', '"miss"');
  expect((await post(another)).status).toBe(409);
  expect((await log.heads([topic]))[0]?.seq).toBe(2);
});

test("no key of a member or of the system is a publisher's", async () => {
  const { log, post } = open();
  const entry = { topic, type: "comment", at: 1, data: toJsonText({ text: "x" }) };
  // A member called `publish` with the clientId `goal-1`, and what the system writes beside.
  await log.append([
    { ...entry, key: "publish goal-1" },
    { ...entry, key: " remove 1" },
    { ...entry, key: " unpin 1" },
  ]);
  for (const id of ["goal-1", "remove 1", " remove 1", "unpin 1", "publish goal-1"])
    expect(await post(goal("1", id))).toMatchObject({ status: 201, body: { accepted: 1 } });
  expect((await log.heads([topic]))[0]?.seq).toBe(8);
});

test("an event in the form of JSON.stringify is held to the same rules as any other", async () => {
  const { post } = open();
  const nested = (levels: number, pad: string) =>
    JSON.stringify({
      topic: "video:1",
      type: "goal",
      data: JSON.parse(`${'{"a":'.repeat(levels)}"${pad}"${"}".repeat(levels)}`),
    });
  for (const pad of ["", "x".repeat(500)]) {
    expect((await post(nested(JSON_DEPTH_MAX, pad))).status).toBe(202);
    expect((await post(nested(JSON_DEPTH_MAX + 1, pad))).body.detail).toContain("nested deeper");
  }
  // So deep that writing the value again would overflow the stack.
  const deep = "[".repeat(400_000) + "]".repeat(400_000);
  const overflowing = `{"topic":"video:1","type":"goal","data":${deep}}`;
  const refused = await post(overflowing);
  expect(refused.status).toBe(400);
  expect(refused.body.detail).toContain("nested deeper");
  const lone = JSON.stringify({ topic: "video:1", type: "goal", data: "\ud800" });
  expect((await post(lone)).body.detail).toBe(
    "event 0: data: the string has half of a surrogate pair",
  );
  const proto = '{"topic":"video:1","type":"goal","data":{"__proto__":1}}';
  expect((await post(proto)).body.detail).toContain("a member of this name");
});

test("nothing is published or stored on the topic of a deleted video, nor beside one", async () => {
  for (const isDurable of [true, false]) {
    const { log, published, post } = open([topic]);
    const other = '{"topic":"video:2","type":"goal","data":1}';
    const { status, body } = await post(`[${other},${goal("1", undefined, isDurable)}]`);
    expect([status, body.code, body.index]).toEqual([410, "video-deleted", 1]);
    expect(published).toEqual([]);
    expect((await log.heads([topic]))[0]?.seq ?? 0).toBe(0);
  }
});

test("copies that links dropped at their bounds are told to the publisher", async () => {
  const body = JSON.stringify({ topic, type: "goal", data: {} });
  expect(await open([], 3).post(body)).toEqual({ status: 202, body: { accepted: 1, dropped: 3 } });
  expect(await open().post(body)).toEqual({ status: 202, body: { accepted: 1 } });
});
