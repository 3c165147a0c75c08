/** Who may write to a member and see their presence, where blocks and time-outs say otherwise. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Harness, startHarness } from "../testing/harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const call: Harness["call"] = (...parameters) => harness.call(...parameters);

test("a block or a closed inbox keeps no host and no moderator from writing", async () => {
  for (const [id, token] of [
    ["mo", "mo.moderator"],
    ["holly", "holly.host"],
  ] as const) {
    await call("PUT", `/v1/members/${id}/block`, "ana");
    await call("PUT", "/v1/inbox", "ana", { open: false });
    const sent = await call("POST", "/v1/members/ana/messages", token, { text: "x" });
    expect([id, sent.status]).toEqual([id, 201]);
  }
});

test("a time-out hides no presence of the partners of conversations", async () => {
  const presence = (of: string) => call("GET", `/v1/members/${of}/presence`, "ben");
  await call("POST", "/v1/members/cy/messages", "ben", { text: "x" });
  const timeOut = { kind: "time-out", seconds: 60 };
  await call("PUT", "/v1/members/ben/sanction", "mo.moderator", timeOut);
  expect((await presence("cy")).body).toEqual<unknown>({ member: "cy", online: false });
  expect((await presence("dan")).body.code).toBe("timed-out");
  await call("PUT", "/v1/members/ben/block", "cy");
  expect((await presence("cy")).status).toBe(403);
});
