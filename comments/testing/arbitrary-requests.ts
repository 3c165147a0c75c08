/** Requests to the public API, for property tests: some nearly right, some anything at all. */

import fc from "fast-check";

export interface ArbitraryRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array | undefined;
}

const nasty = fc.constantFrom(
  "\0",
  "\r\n",
  "\ud800",
  "../..",
  "%2e%2e",
  "*",
  "video:*",
  "__proto__",
  "constructor",
  "🏴‍☠️",
  "' OR 1=1 --",
  "<script>",
  "",
);
const text = fc.oneof(
  nasty,
  fc.string({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 60 }),
);
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 1, 2 ** 31, 2 ** 53, 1e308, Number.NaN),
);
const anything: fc.Arbitrary<unknown> = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Mostly the value that belongs there. */
function mostly<Value>(right: fc.Arbitrary<Value>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: right as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: anything },
  );
}

function object(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  return fc.record(members, { requiredKeys: [] });
}

const someId = fc.oneof(
  fc.constantFrom("a", "b", "fuzz", "ana", "guest-1"),
  fc.constantFrom("..", "a b", "a:b", "*", "аna", "a\n", "%00", "x".repeat(200)),
  text,
);
const someNumber = fc.oneof(
  fc.constantFrom("1", "2", "3", "0", "-1", "1e3", "9007199254740993", "00"),
  text,
);
const small = fc.integer({ min: 0, max: 30 });
const clientId = mostly(fc.constantFrom("k1", "k2", "k3"));
const topic = fc.oneof(
  fc.constantFrom("video:a", "video:b", "member:ana", "member:ben", "video:", "x:y"),
  text,
);
const line = mostly(fc.string({ minLength: 1, maxLength: 60 }));
const event = object({
  topic: mostly(topic),
  type: mostly(fc.constantFrom("goal", "likes", "comment", "Bad Type")),
  data: anything,
  durable: mostly(fc.boolean()),
  id: clientId,
});

interface Operation {
  readonly method: string;
  readonly path: (id: string, number: string) => string;
  readonly body?: fc.Arbitrary<unknown>;
}

const OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    path: (id) => `/v1/videos/${id}/comments`,
    body: object({ text: line, clientId, replyTo: mostly(small) }),
  },
  { method: "GET", path: (id, number) => `/v1/videos/${id}/comments?after=${number}` },
  {
    method: "GET",
    path: (id, number) => `/v1/videos/${id}/comments?before=${number}&limit=${number}`,
  },
  {
    method: "DELETE",
    path: (id, number) => `/v1/videos/${id}/comments/${number}`,
    body: object({ reason: line }),
  },
  {
    method: "POST",
    path: (id) => `/v1/videos/${id}/likes`,
    body: object({ kind: mostly(fc.constantFrom("like", "love", "hate")), count: mostly(small) }),
  },
  {
    method: "PUT",
    path: (id) => `/v1/videos/${id}/pin`,
    body: object({ seq: mostly(fc.oneof(small, fc.constant(null))) }),
  },
  { method: "GET", path: (id) => `/v1/videos/${id}` },
  {
    method: "PUT",
    path: (id) => `/v1/videos/${id}`,
    body: object({
      title: line,
      description: line,
      live: mostly(fc.boolean()),
      closed: mostly(fc.boolean()),
      poster: mostly(fc.webUrl()),
    }),
  },
  { method: "GET", path: (_, number) => `/v1/videos?limit=${number}` },
  { method: "POST", path: () => "/v1/guests", body: object({ name: line }) },
  {
    method: "POST",
    path: () => "/v1/guests/upgrade",
    body: object({ guestToken: mostly(fc.constantFrom("a.b.c", "x")) }),
  },
  {
    method: "POST",
    path: (id) => `/v1/members/${id}/messages`,
    body: object({ text: line, clientId }),
  },
  { method: "GET", path: (id, number) => `/v1/members/${id}/messages?after=${number}` },
  {
    method: "POST",
    path: (id) => `/v1/members/${id}/receipts`,
    body: object({ seen: mostly(small), delivered: mostly(small) }),
  },
  {
    method: "POST",
    path: (id) => `/v1/members/${id}/typing`,
    body: object({ typing: mostly(fc.boolean()) }),
  },
  { method: "GET", path: (id) => `/v1/members/${id}/presence` },
  { method: "PUT", path: (id) => `/v1/members/${id}/block` },
  { method: "DELETE", path: (id) => `/v1/members/${id}/block` },
  {
    method: "PUT",
    path: (id) => `/v1/members/${id}/sanction`,
    body: object({
      kind: mostly(fc.constantFrom("ban", "time-out")),
      seconds: mostly(small),
      video: mostly(fc.constantFrom("a", "b")),
      reason: line,
    }),
  },
  { method: "DELETE", path: (id, number) => `/v1/members/${id}/sanction?video=${number}` },
  { method: "GET", path: (id) => `/v1/sanctions?video=${id}` },
  { method: "GET", path: (_, number) => `/v1/conversations?before=${number}` },
  { method: "GET", path: () => "/v1/blocks" },
  {
    method: "POST",
    path: () => "/v1/publish",
    body: fc.oneof(event, fc.array(event, { maxLength: 5 })),
  },
  { method: "GET", path: (id, number) => `/v1/events?topic=video:${id}&last_event_id=${number}` },
  { method: "GET", path: (id) => `/v1/events?topic=${id}` },
  { method: "GET", path: (id) => `/v1/events?topic=video:a&access_token=${id}` },
  {
    method: "PUT",
    path: (id) => `/v1/connections/${id}/subscriptions`,
    body: object({ topics: mostly(fc.array(topic, { maxLength: 5 })) }),
  },
  {
    method: "DELETE",
    path: (id) => `/v1/connections/${id}/subscriptions`,
    body: object({ topics: mostly(fc.array(topic, { maxLength: 5 })) }),
  },
  { method: "GET", path: (id) => `/${id}` },
];

const wildBody = fc.oneof(
  fc
    .dictionary(
      fc.oneof(fc.constantFrom("text", "kind", "topics", "topic", "seq", "__proto__"), text),
      anything,
      { maxKeys: 5 },
    )
    .map((each) => JSON.stringify(each)),
  fc.json(),
  text,
  fc.uint8Array({ maxLength: 6_000 }),
);

export const arbitraryRequest: fc.Arbitrary<ArbitraryRequest> = fc
  .tuple(fc.constantFrom(...OPERATIONS), someId.map(encode), someNumber.map(encode), fc.nat(9))
  .chain(([operation, id, number, dice]) => {
    const right = operation.body?.map((value) => JSON.stringify(value)) ?? fc.constant(undefined);
    const method =
      dice === 0 ? fc.constantFrom("GET", "POST", "PUT", "DELETE") : fc.constant(operation.method);
    return fc.record({
      method,
      path: fc.constant(operation.path(id, number)),
      body: dice <= 2 ? wildBody : right,
    });
  })
  .map((request) => (request.method === "GET" ? { ...request, body: undefined } : request));

/** Percent-encoded where it can be: lone surrogates cannot. */
function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}
