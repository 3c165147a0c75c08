/** Anything at all, sent to every route: never a 5xx, always an answer of a known form. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { PROBLEMS } from "@ovation/protocol";
import fc from "fast-check";
import { createRateLimiterOff } from "./rate-limiter-off.ts";
import { type Harness, startHarness } from "./testing/harness.ts";

const TIME_MS = 3_000;
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

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
const text = fc.oneof(nasty, fc.string({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 60 }));
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, -1, 1, 2 ** 31, 2 ** 53, 1e308, Number.NaN));
const names = fc.constantFrom(
  "text",
  "clientId",
  "replyTo",
  "kind",
  "count",
  "name",
  "seq",
  "reason",
  "title",
  "live",
  "media",
  "poster",
  "description",
  "closed",
  "seen",
  "delivered",
  "typing",
  "video",
  "seconds",
  "guestToken",
  "__proto__",
);
const value: fc.Arbitrary<unknown> = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 3 }));
const body = fc.oneof(
  { weight: 6, arbitrary: fc.dictionary(names, value, { maxKeys: 5 }).map((object) => JSON.stringify(object)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5_000 }) },
);
const id = fc.oneof(fc.constantFrom("a", "b", "..", "a b", "a:b", "*", "аlice", "a\n", "%00", "x".repeat(200)), text).map(encode);
const seq = fc.oneof(fc.constantFrom("1", "2", "0", "-1", "1e3", "9007199254740993", "00"), text).map(encode);
const query = fc.oneof(
  fc.constant(""),
  fc
    .record({ name: fc.constantFrom("after", "before", "limit", "video", "access_token"), value: fc.oneof(seq, id) })
    .map((each) => `?${each.name}=${each.value}`),
);
const path = fc.oneof(
  id.map((each) => `/v1/videos/${each}/comments`),
  fc.tuple(id, seq).map(([video, comment]) => `/v1/videos/${video}/comments/${comment}`),
  id.map((each) => `/v1/videos/${each}/likes`),
  id.map((each) => `/v1/videos/${each}/pin`),
  id.map((each) => `/v1/videos/${each}`),
  fc
    .tuple(id, fc.constantFrom("messages", "receipts", "typing", "block", "sanction", "presence"))
    .map(([member, what]) => `/v1/members/${member}/${what}`),
  fc.constantFrom("/v1/videos", "/v1/guests", "/v1/guests/upgrade", "/v1/conversations", "/v1/blocks", "/v1/sanctions"),
);
const token = fc.constantFrom(undefined, "ana", "hana.host", "mo.moderator", "g.guest", "srv.member.video:*", "forged");

/** Percent-encoded where it can be: lone surrogates cannot. */
function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

test("no request is answered with a 5xx", async () => {
  const request = fc.record({ method: fc.constantFrom("GET", "POST", "PUT", "DELETE"), path, query, token, body });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, token, body }) => {
      const response = await fetch(`${harness.url}${path}${query}`, {
        method,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...(method === "GET" ? {} : { body: body as BodyInit }),
      });
      const answer = (await response.json()) as { code?: string };
      expect(response.status).toBeLessThan(500);
      if (response.status >= 400) expect(Object.keys(PROBLEMS)).toContain(answer.code ?? "no code");
    }),
    { numRuns: 100_000, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: false },
  );
}, 20_000);
