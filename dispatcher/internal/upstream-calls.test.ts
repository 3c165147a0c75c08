/** What a frontend may ask for in one call, at the bound and one beyond. */

import { expect, test } from "bun:test";
import { TOPICS_PER_CONNECTION_MAX } from "@ovation/protocol";
import { CHANGES_PER_CALL_MAX as SENT_AT_ONCE } from "../../frontend/limits.ts";
import * as calls from "./upstream-calls.ts";

const list = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

test("CHANGES_, COUNTS_ and MEMBERS_PER_CALL_MAX: longer lists are refused", () => {
  const changes = (count: number) => ({
    changes: list(count, (index) => ({ topic: `video:${index}`, subscribed: true, generation: 1 })),
  });
  expect(calls.ChangeCall.safeParse(changes(calls.CHANGES_PER_CALL_MAX)).success).toBe(true);
  expect(calls.ChangeCall.safeParse(changes(calls.CHANGES_PER_CALL_MAX + 1)).success).toBe(false);
  // Frontends send fewer at once.
  expect(SENT_AT_ONCE).toBeLessThanOrEqual(calls.CHANGES_PER_CALL_MAX);
  const report = (count: number) => ({
    viewers: list(count, (index) => ({ topic: `video:${index}`, viewers: 1 })),
    since: 0,
  });
  expect(calls.ReportCall.safeParse(report(calls.COUNTS_PER_CALL_MAX)).success).toBe(true);
  expect(calls.ReportCall.safeParse(report(calls.COUNTS_PER_CALL_MAX + 1)).success).toBe(false);
  const present = (count: number) => ({ members: list(count, (index) => `m${index}`) });
  expect(calls.PresentCall.safeParse(present(calls.MEMBERS_PER_CALL_MAX)).success).toBe(true);
  expect(calls.PresentCall.safeParse(present(calls.MEMBERS_PER_CALL_MAX + 1)).success).toBe(false);
});

test("READ_LIMIT_MAX, LEASE_MS_MAX: larger numbers are refused", () => {
  const read = (limit: number) => ({ topic: "video:1", after: 0, limit });
  expect(calls.ReadCall.safeParse(read(calls.READ_LIMIT_MAX)).success).toBe(true);
  expect(calls.ReadCall.safeParse(read(calls.READ_LIMIT_MAX + 1)).success).toBe(false);
  expect(calls.RenewCall.safeParse({ ttlMs: calls.LEASE_MS_MAX }).success).toBe(true);
  expect(calls.RenewCall.safeParse({ ttlMs: calls.LEASE_MS_MAX + 1 }).success).toBe(false);
});

test("CALL_BYTES_MAX: the largest call of each kind fits", () => {
  const topic = `${"k".repeat(32)}:${"i".repeat(128)}`;
  const largest = [
    {
      changes: list(calls.CHANGES_PER_CALL_MAX, () => ({
        topic,
        subscribed: false,
        generation: Number.MAX_SAFE_INTEGER,
      })),
    },
    {
      viewers: list(calls.COUNTS_PER_CALL_MAX, () => ({ topic, viewers: Number.MAX_SAFE_INTEGER })),
      since: Number.MAX_SAFE_INTEGER,
    },
    { members: list(calls.MEMBERS_PER_CALL_MAX, () => "i".repeat(128)) },
    {
      add: list(TOPICS_PER_CONNECTION_MAX, () => topic),
      remove: list(TOPICS_PER_CONNECTION_MAX, () => topic),
    },
  ];
  for (const call of largest)
    expect(JSON.stringify(call).length).toBeLessThan(calls.CALL_BYTES_MAX);
});
