import { expect, test } from "bun:test";
import { DEFAULT_POLICY, type Identity, Problem, toJsonText } from "@ovation/protocol";
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
const accept = (...values: unknown[]) => acceptEvents(values, server, DEFAULT_POLICY);
/** As a body brings it. */
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

test("an event is taken with its data as JSON text, its lane by the policy or its own word, and its key", () => {
  expect(accept(event('"data":{"a":[1,"ü",true,null]}'))).toEqual([
    {
      topic: "video:1",
      type: "goal",
      data: '{"a":[1,"ü",true,null]}',
      durable: false,
      key: undefined,
    },
  ] as never);
  expect(accept({ topic: "video:1", type: "comment" })[0]).toMatchObject({
    data: "null",
    durable: true,
  });
  expect(accept({ topic: "video:1", type: "comment", durable: false, id: "k" })[0]).toMatchObject({
    durable: false,
    key: "k",
  });
  expect(accept(event('"durable":true'))[0]?.durable).toBe(true);
});

test("what is not in order is refused with the index of the first, and what is wrong with it", () => {
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
  expect(refusal({ topic: "video:1", type: "stats" }).code).toBe("invalid-body");
  expect(refusal({ topic: "video:1", type: "go al" }).code).toBe("invalid-body");
  expect(refusal(good, { topic: "member:1", type: "goal" }).code).toBe("forbidden");
  expect(refusal(event(`"data":"${"x".repeat(65_535)}"`)).code).toBe("body-too-large");
});

test("a number beyond all bounds is refused, a member __proto__ is left out, and depth fails in words", () => {
  expect(refusal(event('"data":{"a":1e999}')).code).toBe("invalid-body");
  expect(refusal(event('"data":-1e999')).code).toBe("invalid-body");
  expect(accept(event('"data":{"__proto__":{"a":1},"b":2}'))[0]?.data).toBe('{"b":2}' as never);
  const deep = (core: string) => event(`"data":${"[".repeat(30_000)}${core}${"]".repeat(30_000)}`);
  expect(accept(deep("1"))[0]?.data).toHaveLength(60_001);
  expect(refusal(deep("null"))).toEqual({
    code: "invalid-body",
    message: "event 0: data is nested too deeply",
  });
});

test("what is read by hand is what the schema says, for any members with any values", () => {
  const schema = z.strictObject({
    topic: z.string(),
    type: z.string(),
    data: z.json().optional(),
    durable: z.boolean().optional(),
    id: z.string().min(1).max(128).optional(),
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
      Number.POSITIVE_INFINITY,
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
        expect(taken.message).toMatch(/not a topic here|may not publish|a type is|data is at most/);
    }),
    { numRuns: 3000 },
  );
});
