/** What members do with each other, and what moderators do with them, over HTTP. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createRateLimiterOff } from "../rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

let harness: Harness;
let number = 0;
const newId = (name: string) => `${name}${++number}`;

beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

const call: Harness["call"] = (...parameters) => harness.call(...parameters);

/** What was published on a member's own topic. */
async function received(member: string, type: string) {
  await harness.comments.flush();
  const events = harness.published.filter(
    (event) => event.topic === `member:${member}` && event.type === type,
  );
  return events.map((event) => ({ ...JSON.parse(event.data), durable: event.place !== undefined }));
}

describe("messages", () => {
  test("a message is on both topics, in the conversation, unread until seen", async () => {
    const [ana, ben] = [newId("ana"), newId("ben")];
    const sent = await call("POST", `/v1/members/${ben}/messages`, ana, {
      text: "Hi\nBen",
      clientId: "m1",
    });
    expect([sent.status, sent.body]).toMatchObject([
      201,
      {
        n: 1,
        text: "Hi\nBen",
        from: { id: ana, name: ana.toUpperCase() },
        to: { id: ben },
        clientId: "m1",
        seq: 1,
      },
    ]);
    const again = await call("POST", `/v1/members/${ben}/messages`, ana, {
      text: "Hi\nBen",
      clientId: "m1",
    });
    expect(again.body).toEqual(sent.body);
    expect(
      (await call("POST", `/v1/members/${ben}/messages`, ana, { text: "Else", clientId: "m1" }))
        .body.code,
    ).toBe("key-reused");
    await call("POST", `/v1/members/${ana}/messages`, ben, { text: "Hi Ana" });

    expect(await received(ben, "message")).toMatchObject([
      { n: 1, text: "Hi\nBen", durable: true },
      { n: 2, text: "Hi Ana", durable: true },
    ]);
    expect((await received(ana, "message")).map(({ n }) => n)).toEqual([1, 2]);
    expect((await call("GET", `/v1/members/${ben}/messages`, ana)).body).toMatchObject({
      messages: [{ n: 1 }, { n: 2, text: "Hi Ana" }],
      head: 2,
      seen: 1,
      other: { seen: 2, delivered: 2 },
    });
    const inbox = await call("GET", "/v1/conversations", ana);
    expect(inbox.body).toMatchObject({
      conversations: [
        {
          with: { id: ben, name: ben.toUpperCase() },
          last: { n: 2, from: ben, text: "Hi Ana" },
          unread: 1,
        },
      ],
      unread: 1,
    });

    expect(
      (await call("POST", `/v1/members/${ben}/receipts`, ana, { seen: 50 })).body,
    ).toEqual<unknown>({ seen: 2, delivered: 2 });
    expect(
      (await call("POST", `/v1/members/${ben}/receipts`, ana, { seen: 1 })).body,
    ).toEqual<unknown>({ seen: 2, delivered: 2 });
    expect(await received(ben, "receipt")).toMatchObject([
      { from: { id: ana }, with: { id: ben }, seen: 2, durable: true },
    ]);
    expect(await received(ana, "receipt")).toHaveLength(1);
    expect((await call("GET", "/v1/conversations", ana)).body.unread).toBe(0);
  });

  test("no other member can read it, by any request", async () => {
    const [ana, ben, eve] = [newId("ana"), newId("ben"), newId("eve")];
    await call("POST", `/v1/members/${ben}/messages`, ana, { text: "secret" });
    for (const path of [`/v1/members/${ana}/messages`, `/v1/members/${ben}/messages`]) {
      expect((await call("GET", path, eve)).body).toMatchObject({ messages: [], head: 0 });
      expect((await call("GET", path)).body.code).toBe("token-missing");
    }
    expect((await call("POST", `/v1/members/${ben}/receipts`, eve, { seen: 1 })).body.code).toBe(
      "not-found",
    );
    expect((await call("GET", "/v1/conversations", eve)).body).toEqual<unknown>({
      conversations: [],
      unread: 0,
    });
  });

  test("members write to members, staff to and from anyone, guests to staff only", async () => {
    const [ana, ben] = [newId("ana"), newId("ben")];
    const write = async (from: string, to: string) =>
      (await call("POST", `/v1/members/${to}/messages`, from, { text: "x" })).body.code ?? "sent";
    expect(await write(ana, ben)).toBe("sent");
    expect(await write(ana, ana)).toBe("forbidden");
    expect(await write("visitor.guest", ana)).toBe("forbidden");
    await call("POST", "/v1/videos/rules/comments", "visitor.guest", { text: "hello" });
    await harness.comments.flush();
    expect(await write(ana, "visitor")).toBe("forbidden");
    expect(await write("visitor.guest", "mona")).toBe("forbidden");
    expect(await write("mona.moderator", "visitor")).toBe("sent");
    expect(await write("visitor.guest", "mona")).toBe("sent");
    expect((await call("POST", "/v1/members/a%20b/messages", ana, { text: "x" })).body.code).toBe(
      "invalid-id",
    );
    expect((await call("POST", "/v1/members/*/messages", ana, { text: "x" })).body.code).toBe(
      "invalid-id",
    );
  });

  test("a blocked member cannot write, type or look, and does not learn why", async () => {
    const [ana, ben] = [newId("ana"), newId("ben")];
    expect((await call("PUT", `/v1/members/${ben}/block`, ana)).body).toEqual<unknown>({
      blocked: true,
    });
    const refused = await call("POST", `/v1/members/${ana}/messages`, ben, { text: "x" });
    expect([refused.status, refused.body.detail]).toEqual([
      403,
      "You may not write to this member",
    ]);
    expect((await call("POST", `/v1/members/${ana}/typing`, ben)).status).toBe(403);
    expect((await call("GET", `/v1/members/${ana}/presence`, ben)).status).toBe(403);
    expect(
      (await call("POST", `/v1/members/${ben}/messages`, ana, { text: "x" })).body.detail,
    ).toContain("blocked");
    expect((await call("GET", "/v1/blocks", ana)).body.members).toMatchObject([{ id: ben }]);
    expect((await call("DELETE", `/v1/members/${ben}/block`, ana)).body).toEqual<unknown>({
      blocked: false,
    });
    expect((await call("POST", `/v1/members/${ana}/messages`, ben, { text: "x" })).status).toBe(
      201,
    );
  });

  test("typing is live, says how long it holds, and is not stored", async () => {
    const [ana, ben] = [newId("ana"), newId("ben")];
    expect((await call("POST", `/v1/members/${ben}/typing`, ana)).status).toBe(202);
    await call("POST", `/v1/members/${ben}/typing`, ana, { typing: false });
    const from = { id: ana, name: ana.toUpperCase() };
    expect(await received(ben, "typing")).toEqual([
      { from, forMs: 6_000, durable: false },
      { from, forMs: 0, durable: false },
    ]);
    const [head] = await harness.options.log.heads([`member:${ben}` as never]);
    expect(head?.seq).toBe(0);
  });
});

describe("notifications", () => {
  test("an answer and a mention are told, once, and not to oneself", async () => {
    const [ana, ben, cy] = [newId("ana"), newId("ben"), newId("cy")];
    const path = `/v1/videos/${newId("n")}/comments`;
    await call("POST", path, ana, { text: "first" });
    await call("POST", path, cy, { text: "second" });
    await call("POST", path, ben, {
      text: `yes! @${cy.toUpperCase()}, and @nowhere`,
      replyTo: 1,
      clientId: "k",
    });
    await call("POST", path, ben, {
      text: `yes! @${cy.toUpperCase()}, and @nowhere`,
      replyTo: 1,
      clientId: "k",
    });
    await call("POST", path, ana, { text: `I am @${ana}`, replyTo: 1 });
    expect(await received(ana, "notification")).toMatchObject([
      { kind: "reply", seq: 3, from: { id: ben }, durable: true },
    ]);
    expect(await received(cy, "notification")).toMatchObject([
      { kind: "mention", seq: 3, from: { id: ben } },
    ]);
    expect(await received(ben, "notification")).toEqual([]);
  });

  test("a removal is notified with its reason, without the moderator", async () => {
    const ana = newId("ana");
    const video = newId("n");
    for (const text of ["a", "b"])
      await call("POST", `/v1/videos/${video}/comments`, ana, { text });
    await call("DELETE", `/v1/videos/${video}/comments/1`, "mona.moderator", {
      reason: "off topic",
    });
    await call("DELETE", `/v1/videos/${video}/comments/2`, ana);
    const told = await received(ana, "notification");
    expect(told).toEqual([
      { kind: "comment-removed", video, seq: 1, reason: "off topic", durable: true },
    ]);
  });
});

describe("time-outs and bans", () => {
  test("a time-out holds in its video, says until when, and is told", async () => {
    const ana = newId("ana");
    const [here, there] = [newId("v"), newId("v")];
    const put = await call("PUT", `/v1/members/${ana}/sanction`, "mona.moderator", {
      video: here,
      kind: "time-out",
      seconds: 60,
      reason: "calm down",
    });
    expect([put.status, put.body]).toMatchObject([
      200,
      { member: ana, video: here, kind: "time-out", reason: "calm down" },
    ]);
    const refused = await call("POST", `/v1/videos/${here}/comments`, ana, { text: "x" });
    expect([refused.status, refused.body]).toMatchObject([
      403,
      { code: "timed-out", until: put.body.until, reason: "calm down" },
    ]);
    expect((await call("POST", `/v1/videos/${there}/comments`, ana, { text: "x" })).status).toBe(
      201,
    );
    expect(await received(ana, "notification")).toMatchObject([
      { kind: "timed-out", video: here, until: put.body.until, durable: true },
    ]);
    expect(
      (await call("GET", `/v1/sanctions?video=${here}`, "mona.moderator")).body.sanctions,
    ).toMatchObject([{ member: ana, by: "mona" }]);
    expect(
      (await call("DELETE", `/v1/members/${ana}/sanction?video=${here}`, "mona.moderator")).body,
    ).toEqual<unknown>({ removed: true });
    expect((await call("POST", `/v1/videos/${here}/comments`, ana, { text: "x" })).status).toBe(
      201,
    );
  });

  test("a ban of the whole site holds everywhere", async () => {
    const ana = newId("ana");
    await call("PUT", `/v1/members/${ana}/sanction`, "hana.host", { kind: "ban" });
    expect((await call("POST", `/v1/videos/any/comments`, ana, { text: "x" })).body.code).toBe(
      "banned",
    );
    expect(
      (await call("POST", `/v1/members/${newId("ben")}/messages`, ana, { text: "x" })).body.code,
    ).toBe("banned");
  });

  test("only moderators may, and not on each other or themselves", async () => {
    const ana = newId("ana");
    const ban = (by: string, member: string, extra: object = {}) =>
      call("PUT", `/v1/members/${member}/sanction`, by, { kind: "ban", ...extra });
    expect((await ban(ana, "ben")).body.code).toBe("forbidden");
    expect((await ban("mona.moderator", "mona")).body.code).toBe("forbidden");
    await call("POST", "/v1/videos/staff/comments", "mo2.moderator", { text: "here" });
    await harness.comments.flush();
    expect((await ban("mona.moderator", "mo2")).body.code).toBe("forbidden");
    expect((await ban("hana.host", "mo2", { video: "x" })).status).toBe(200);
    expect((await ban("mona.moderator", ana, { kind: "time-out" })).body.code).toBe("invalid-body");
    expect((await ban("mona.moderator", ana, { seconds: 0 })).body.code).toBe("invalid-body");
    expect((await ban("mona.moderator", ana, { video: "a b" })).body.code).toBe("invalid-body");
    expect((await call("GET", "/v1/sanctions", ana)).body.code).toBe("forbidden");
  });
});

describe("guests who become members", () => {
  test("its comments are the member's, its token is invalid, no other can claim it", async () => {
    const ana = newId("ana");
    const video = newId("g");
    const guest = (await call("POST", "/v1/guests", undefined, { name: "Ana" })).body;
    await call("POST", `/v1/videos/${video}/comments`, guest.token, { text: "as a guest" });
    await call("PUT", `/v1/members/${guest.member.id}/sanction`, "hana.host", {
      video: "elsewhere",
      kind: "ban",
    });
    const upgrade = (by: string, guestToken: string) =>
      call("POST", "/v1/guests/upgrade", by, { guestToken });
    expect((await upgrade(guest.token, guest.token)).body.code).toBe("forbidden");
    expect((await upgrade(ana, "ben")).body.code).toBe("forbidden");
    expect((await upgrade(ana, "forged")).body.code).toBe("token-invalid");
    expect((await upgrade(ana, "a\r\nb")).body.code).toBe("invalid-body");
    expect((await upgrade(ana, guest.token)).body).toMatchObject({
      member: { id: ana },
      guest: guest.member.id,
    });
    expect((await upgrade(ana, guest.token)).status).toBe(200);
    expect((await upgrade(newId("eve"), guest.token)).body.code).toBe("forbidden");

    const page = await call("GET", `/v1/videos/${video}/comments`);
    expect(page.body.comments[0]?.author).toEqual<unknown>({
      id: ana,
      name: ana.toUpperCase(),
      role: "member",
    });
    expect(
      (await call("POST", `/v1/videos/${video}/comments`, guest.token, { text: "again" })).body
        .code,
    ).toBe("token-invalid");
    expect(
      (await call("POST", "/v1/videos/elsewhere/comments", ana, { text: "x" })).body.code,
    ).toBe("banned");
    await call("DELETE", `/v1/videos/${video}/comments/1`, "mona.moderator", { reason: "why not" });
    expect(await received(ana, "notification")).toMatchObject([
      { kind: "comment-removed", video, seq: 1 },
    ]);
  });

  test("a member's own longer ban is not shortened by a guest's time-out", async () => {
    const eve = newId("eve");
    const guest = (await call("POST", "/v1/guests", undefined, { name: "Eve" })).body;
    await call("PUT", `/v1/members/${eve}/sanction`, "hana.host", { video: "w", kind: "ban" });
    await call("PUT", `/v1/members/${guest.member.id}/sanction`, "hana.host", {
      video: "w",
      kind: "time-out",
      seconds: 1,
    });
    expect(
      (await call("POST", "/v1/guests/upgrade", eve, { guestToken: guest.token })).status,
    ).toBe(200);
    expect((await call("POST", "/v1/videos/w/comments", eve, { text: "x" })).body.code).toBe(
      "banned",
    );
  });
});

describe("presence", () => {
  test("partners who are online are told at once, and those allowed may ask", async () => {
    const [ana, ben, cy] = [newId("ana"), newId("ben"), newId("cy")];
    await call("POST", `/v1/members/${ben}/messages`, ana, { text: "x" });
    await call("POST", `/v1/members/${cy}/messages`, ana, { text: "x" });
    await harness.comments.heartbeat([ben]);
    await harness.comments.heartbeat([ana]);
    await harness.comments.heartbeat([ana, ben]);
    expect(await received(ben, "presence")).toEqual([
      { member: ana, online: true, seenAt: expect.any(Number), durable: false },
    ]);
    expect(await received(cy, "presence")).toEqual([]);
    expect((await call("GET", `/v1/members/${ana}/presence`, ben)).body).toEqual<unknown>({
      member: ana,
      online: true,
      seenAt: expect.any(Number),
    });
    expect((await call("GET", `/v1/members/${cy}/presence`, ben)).body).toEqual<unknown>({
      member: cy,
      online: false,
    });
    expect((await call("GET", `/v1/members/${ana}/presence`)).body.code).toBe("token-missing");
    expect((await call("GET", `/v1/members/${ana}/presence`, "visitor.guest")).body.code).toBe(
      "forbidden",
    );
  });
});
