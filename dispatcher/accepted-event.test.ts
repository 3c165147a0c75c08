import { expect, test } from "bun:test";
import {
  DEFAULT_POLICY,
  EVENT_DATA_BYTES_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  type Identity,
  Problem,
  RESERVED_TYPES,
  toJsonText,
} from "@ovation/protocol";
import fc from "fast-check";
import { z } from "zod";
import { acceptEvents } from "./accepted-event.ts";

const server: Identity = {
  sub: "s",
  name: "s",
  role: "host",
  videoRoles: {},
  subscribe: [],
  publish: ["video:*"],
};
/** As a body brings them. */
function accept(...values: unknown[]) {
  const published = values.map((value) => ({
    value,
    data: isObject(value) && value.data !== undefined ? toJsonText(value.data) : undefined,
  }));
  return acceptEvents(published, server, DEFAULT_POLICY);
}
function isObject(value: unknown): value is { readonly data?: unknown } {
  return typeof value === "object" && value !== null;
}
const parsed = (json: string): unknown => JSON.parse(json);
const event = (members: string) => parsed(`{"topic":"video:1","type":"goal",${members}}`);

/** The code and sentence of a refusal. */
function refusal(...values: unknown[]): Pick<Problem, "code" | "message"> {
  try {
    accept(...values);
  } catch (error) {
    if (error instanceof Problem) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was accepted");
}

test("an event keeps its data as JSON text, its lane (own or by policy), and its key", () => {
  expect(accept(event('"data":{"a":[1,"ü",true,null]}'))).toEqual([
    {
      topic: "video:1",
      type: "goal",
      data: '{"a":[1,"ü",true,null]}',
      durable: false,
      key: undefined,
    },
  ] as never);
  const pin = { topic: "video:1", type: "pin", data: { seq: null } };
  expect(accept({ topic: "video:1", type: "goal" })[0]).toMatchObject({
    data: "null",
    durable: false,
  });
  expect(accept(pin)[0]).toMatchObject({ durable: true });
  expect(accept({ ...pin, durable: false, id: "k" })[0]).toMatchObject({
    durable: false,
    key: "k",
  });
  expect(accept(event('"durable":true'))[0]?.durable).toBe(true);
});

test("the first invalid event is refused, with its index and the reason", () => {
  const good = event('"data":1');
  expect(refusal(good, event('"extra":1'))).toEqual({
    code: "invalid-body",
    message: 'event 1:  Unrecognized key: "extra"',
  });
  expect(
    refusal(good, parsed('{"topic":"video:1","type":"goal","__proto__":{"durable":true}}')).code,
  ).toBe("invalid-body");
  expect(refusal({ type: "goal" }).message).toStartWith("event 0: topic ");
  expect(refusal(event('"durable":1')).message).toStartWith("event 0: durable ");
  expect(refusal(event('"id":""')).message).toStartWith("event 0: id ");
  expect(refusal(event(`"id":"${"x".repeat(129)}"`)).message).toStartWith("event 0: id ");
  for (const value of [null, 1, "text", [], [good]])
    expect(refusal(value).code).toBe("invalid-body");
  expect(refusal(good, { topic: "nowhere:1", type: "goal" })).toEqual({
    code: "invalid-topic",
    message: "event 1: not a topic here",
  });
  expect(refusal({ topic: "video:\n", type: "goal" }).code).toBe("invalid-topic");
  expect(refusal(good, { topic: "member:1", type: "goal" }).code).toBe("forbidden");
});

test("types that Ovation or EventSource use themselves are refused, each with its reason", () => {
  const typed = (type: string) => refusal(event('"data":1'), { topic: "video:1", type });
  for (const type of ["connection", "gap", "reconnect", "stats"])
    expect(typed(type)).toEqual({
      code: "invalid-body",
      message: `event 1: the type "${type}" is reserved: only Ovation writes it`,
    });
  for (const type of ["error", "open"])
    expect(typed(type).message).toStartWith(
      `event 1: the type "${type}" is reserved: EventSource uses the name itself`,
    );
  expect([...RESERVED_TYPES].every((type) => typed(type).code === "invalid-body")).toBe(true);
  for (const type of ["go al", "Goal", "", "1", "a\nb", "x".repeat(EVENT_TYPE_CHARACTERS_MAX + 1)])
    expect(typed(type).message).toStartWith("event 1: a type is a lower-case letter");
  for (const type of ["message", "errors", "x".repeat(EVENT_TYPE_CHARACTERS_MAX)])
    expect(accept({ topic: "video:1", type })).toHaveLength(1);
});

test("data of Ovation's own types has their form, on the kinds of topics that have them", () => {
  const author = { id: "u", name: "Ana" };
  for (const [type, data, message] of [
    ["comment", null, "data: "],
    ["comment", { number: 1 }, "data.text: "],
    ["comment", { text: "x" }, "data.author: "],
    ["comment", { text: 1, author }, "data.text: "],
    ["comment", { text: "x", author: { id: 1, name: "Ana" } }, "data.author.id: "],
    ["comment", { text: "x", author, replyTo: "1" }, "data.replyTo: "],
    ["comment-removed", {}, "data.seq: "],
    ["comment-edited", { seq: 1 }, "data.text: "],
    ["pin", { seq: 0 }, "data.seq: "],
    ["likes", { like: "3" }, "data.like: "],
    ["likes", { total: 4 }, "data.total: "],
    ["typing", { from: 3 }, "data.from: "],
  ] as const)
    expect(refusal({ topic: "video:1", type, data })).toMatchObject({
      code: "invalid-body",
      message: expect.stringContaining(`event 0: ${message}`),
    });
  for (const [type, data] of [
    ["comment", { text: "x", author, clientId: "c", replyTo: 3, mine: [1] }],
    ["comment", { text: "", author, removed: true }],
    ["comment-removed", { seq: 1, reason: "spam" }],
    ["pin", { seq: null }],
    ["likes", { like: 3, total: { like: 10 } }],
    ["typing", { from: "ana" }],
    // Of this kind of topic it is the publisher's own.
    ["notification", 3],
  ] as const)
    expect(accept({ topic: "video:1", type, data })).toHaveLength(1);
  const member = { ...server, publish: ["*"] };
  const own = (type: string, data: unknown) => () =>
    acceptEvents(
      [{ value: { topic: "member:a", type, data }, data: undefined }],
      member,
      DEFAULT_POLICY,
    );
  for (const type of ["message", "notification", "receipt", "typing", "presence"])
    expect(own(type, {})).toThrow("event 0: data.");
  expect(own("comment", 3)).not.toThrow();
});

test("an id has no control characters and no half of a surrogate pair", () => {
  for (const id of ["a\0b", "\n", "\u007f", "\ud800", "a\udc00", "x".repeat(129), ""])
    expect(refusal({ topic: "video:1", type: "goal", id })).toMatchObject({
      code: "invalid-body",
      message: expect.stringContaining("event 0: id "),
    });
  const longest = "é".repeat(IDEMPOTENCY_KEY_CHARACTERS_MAX);
  for (const id of ["goal 1", "tor-⚽", longest])
    expect(accept({ topic: "video:1", type: "goal", id })[0]?.key).toBe(id);
});

test("data is counted in bytes of UTF-8, at the bound and one beyond", () => {
  const withText = (text: string) => ({ topic: "video:1", type: "goal", data: text });
  expect(accept(withText("x".repeat(EVENT_DATA_BYTES_MAX - 2)))).toHaveLength(1);
  expect(refusal(withText("x".repeat(EVENT_DATA_BYTES_MAX - 1)))).toEqual({
    code: "body-too-large",
    message: `event 0: data is at most ${EVENT_DATA_BYTES_MAX} bytes of JSON in UTF-8`,
  });
  expect(accept(withText("é".repeat(EVENT_DATA_BYTES_MAX / 2 - 1)))).toHaveLength(1);
  expect(refusal(withText("é".repeat(EVENT_DATA_BYTES_MAX / 2))).code).toBe("body-too-large");
  expect(refusal(withText("😀".repeat(EVENT_DATA_BYTES_MAX / 4))).code).toBe("body-too-large");
});

test("what is read by hand is what the schema says, for any members with any values", () => {
  const schema = z.strictObject({
    topic: z.string(),
    type: z.string(),
    data: z.json().optional(),
    durable: z.boolean().optional(),
    id: z
      .string()
      .regex(/^[^\p{Cc}\p{Cs}]{1,128}$/u)
      .optional(),
  });
  const value = fc.oneof(
    fc.constantFrom(
      "video:1",
      "video:2",
      "goal",
      "likes",
      true,
      false,
      null,
      "",
      "x".repeat(128),
      "x".repeat(129),
    ),
    fc.jsonValue(),
  );
  const name = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom("topic", "type", "data", "durable", "id") },
    fc.constantFrom("x", "toString"),
  );
  const members = fc
    .dictionary(name, value)
    .map((some) => ({ topic: "video:1", type: "goal", ...some }));
  fc.assert(
    fc.property(fc.oneof(members, fc.jsonValue()), (given) => {
      const expected = schema.safeParse(given);
      let taken: ReturnType<typeof accept> | Problem;
      try {
        taken = accept(given);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        taken = error;
      }
      if (!expected.success) expect(taken).toMatchObject({ code: "invalid-body" });
      else if (!(taken instanceof Problem))
        expect(taken[0]?.data).toBe(toJsonText(expected.data.data ?? null));
      // The form was right, but not the topic, its audience, the type, or the size.
      else
        expect(taken.message).toMatch(
          /not a topic here|may not publish|a type is|the type|data is at most|event 0: data/,
        );
    }),
    { numRuns: 3000 },
  );
});
