/** A sanction holds for every kind of write, and for the guests of a guest's address. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, type ManualClock } from "../../../testing/manual-clock.ts";
import { ADDRESS_SANCTION_MS_MAX } from "../../limits.ts";
import { createRateLimiterOff } from "../../rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "../../testing/harness.ts";

const HERE = "203.0.113.77";
const directory = mkdtempSync(join(tmpdir(), "ovation-sanctions-"));
let clock: ManualClock;
let harness: Harness;

async function start(): Promise<void> {
  harness = await startHarness({
    clock,
    directory,
    overrides: { limiter: createRateLimiterOff(), messages: "anyone" },
  });
}
beforeAll(async () => {
  clock = createManualClock(2_000_000_000_000);
  await start();
});
afterAll(async () => {
  await harness.close();
  rmSync(directory, { recursive: true });
});

const comment = (token: string, address = HERE, video = "v") =>
  harness.call("POST", `/v1/videos/${video}/comments`, token, { text: "words" }, address);
const sanction = (member: string, body: object, token = "mo.moderator") =>
  harness.call("PUT", `/v1/members/${member}/sanction`, token, body);
const lift = (member: string, video = "") =>
  harness.call("DELETE", `/v1/members/${member}/sanction?video=${video}`, "mo.moderator");
const codeOf = async (asking: ReturnType<Harness["call"]>) => (await asking).body.code ?? "ok";

describe("a sanctioned guest", () => {
  test("holds for a new guest of the address: comments, likes, messages, typing", async () => {
    expect((await comment("spam1.guest")).status).toBe(201);
    await sanction("spam1", { kind: "ban" });
    const refused = await comment("spam2.guest");
    expect([refused.status, refused.body.code]).toEqual([403, "timed-out"]);
    expect(refused.body.until).toBe(clock.now() + ADDRESS_SANCTION_MS_MAX);
    expect(await codeOf(comment("spam1.guest"))).toBe("banned");
    const like = (token: string | undefined, address = HERE) =>
      harness.call("POST", "/v1/videos/v/likes", token, {}, address);
    expect(await codeOf(like("spam2.guest"))).toBe("timed-out");
    expect(await codeOf(like(undefined))).toBe("timed-out");
    for (const path of ["messages", "typing"]) {
      const body = path === "messages" ? { text: "x" } : {};
      const asking = harness.call("POST", `/v1/members/bob/${path}`, "spam2.guest", body, HERE);
      expect(await codeOf(asking)).toBe("timed-out");
    }
    // It does not hold for members of the address, nor for other addresses.
    expect(await codeOf(comment("ana"))).toBe("ok");
    expect(await codeOf(like("ana"))).toBe("ok");
    expect(await codeOf(comment("other.guest", "203.0.113.78"))).toBe("ok");
    expect(await codeOf(like(undefined, "203.0.113.78"))).toBe("ok");
  });

  test("holds after a restart, and for half an hour at most", async () => {
    await harness.close();
    await start();
    expect(await codeOf(comment("spam3.guest"))).toBe("timed-out");
    await clock.advance(ADDRESS_SANCTION_MS_MAX);
    expect(await codeOf(comment("spam3.guest"))).toBe("ok");
    expect(await codeOf(comment("spam1.guest"))).toBe("banned");
  });

  test("in one video holds for the address there, no longer than the time-out", async () => {
    await comment("gus.guest", HERE, "w");
    await sanction("gus", { kind: "time-out", seconds: 60, video: "w" });
    expect(await codeOf(comment("gil.guest", HERE, "w"))).toBe("timed-out");
    expect(await codeOf(comment("gil.guest", HERE, "x"))).toBe("ok");
    await clock.advance(61_000);
    expect(await codeOf(comment("gil.guest", HERE, "w"))).toBe("ok");
  });

  test("that is restored frees the address at once", async () => {
    const address = "203.0.113.90";
    await comment("wrong.guest", address);
    await sanction("wrong", { kind: "ban" });
    expect(await codeOf(comment("friend.guest", address))).toBe("timed-out");
    await lift("wrong");
    expect(await codeOf(comment("friend.guest", address))).toBe("ok");
    expect(await codeOf(comment("wrong.guest", address))).toBe("ok");
  });

  test("leaves no address in the files, and nothing of it after a day", async () => {
    await harness.comments.flush();
    for (const file of readdirSync(directory))
      expect(readFileSync(join(directory, file)).includes("203.0.113.")).toBe(false);
    const { addresses } = harness.options.members ?? {};
    expect(await addresses?.addressOf("wrong", 0)).toBeString();
    await clock.advance(25 * 60 * 60_000);
    for (const task of harness.comments.upkeep) await task.run();
    expect(await addresses?.addressOf("wrong", 0)).toBeUndefined();
  });
});

describe("a sanctioned member", () => {
  test("stops likes, comments, messages and typing; elsewhere only one of the site", async () => {
    await sanction("max", { kind: "time-out", seconds: 300, video: "v" });
    const like = (video: string) => harness.call("POST", `/v1/videos/${video}/likes`, "max", {});
    expect(await codeOf(like("v"))).toBe("timed-out");
    expect(await codeOf(like("other"))).toBe("ok");
    await sanction("max", { kind: "ban" });
    expect(await codeOf(like("other"))).toBe("banned");
    expect(await codeOf(comment("max", HERE, "other"))).toBe("banned");
    expect(
      await codeOf(harness.call("POST", "/v1/members/bob/messages", "max", { text: "x" })),
    ).toBe("banned");
    expect(await codeOf(harness.call("POST", "/v1/members/bob/typing", "max", {}))).toBe("banned");
    // What is their own they may still take back.
    expect((await comment("ana")).body.seq).toBeGreaterThan(0);
  });

  test("is refused without a token, and as a guest of the same address", async () => {
    const address = "203.0.113.91";
    const like = (token: string | undefined, video = "v") =>
      harness.call("POST", `/v1/videos/${video}/likes`, token, {}, address);
    const member = "mara";
    expect(await codeOf(comment(member, address))).toBe("ok");
    await sanction(member, { kind: "ban" });
    expect(await codeOf(like(member))).toBe("banned");
    for (const token of [undefined, "mara2.guest"])
      expect(await codeOf(like(token))).toBe("timed-out");
    expect(await codeOf(comment("mara2.guest", address))).toBe("timed-out");
    expect(await codeOf(comment("friend", address))).toBe("ok");
    await lift(member);
    expect(await codeOf(like(undefined))).toBe("ok");

    const writer = "milo";
    const path = "/v1/members/bob/messages";
    expect(await codeOf(harness.call("POST", path, writer, { text: "x" }, address))).toBe("ok");
    await sanction(writer, { kind: "time-out", seconds: 60, video: "v" });
    expect(await codeOf(like(undefined))).toBe("timed-out");
    expect(await codeOf(like(undefined, "other"))).toBe("ok");
    await lift(writer, "v");
  });

  test("sends nothing to other members: messages, typing, receipts", async () => {
    await harness.call("POST", "/v1/members/bob/messages", "mia", { text: "x" });
    await harness.call("POST", "/v1/members/mia/messages", "bob", { text: "y" });
    const receipt = () => harness.call("POST", "/v1/members/bob/receipts", "mia", { seen: 2 });
    await sanction("mia", { kind: "ban" });
    expect(await codeOf(receipt())).toBe("banned");
    await lift("mia");
    expect(await codeOf(receipt())).toBe("ok");
  });

  test("who moderates, does so no more", async () => {
    const { seq } = (await comment("ana")).body;
    await comment("mel.moderator");
    await harness.comments.flush();
    expect(await codeOf(sanction("mel", { kind: "ban" }, "holly.host"))).toBe("ok");
    expect(await codeOf(comment("mel.moderator"))).toBe("banned");
    const remove = harness.call("DELETE", `/v1/videos/v/comments/${seq}`, "mel.moderator");
    expect(await codeOf(remove)).toBe("banned");
    expect(await codeOf(harness.call("PUT", "/v1/videos/v/pin", "mel.moderator", { seq }))).toBe(
      "banned",
    );
    expect(await codeOf(sanction("ana", { kind: "ban" }, "mel.moderator"))).toBe("banned");
    const message = harness.call("POST", "/v1/members/ana/messages", "mel.moderator", {
      text: "x",
    });
    expect(await codeOf(message)).toBe("banned");
    expect(await codeOf(harness.call("GET", "/v1/sanctions", "mel.moderator"))).toBe("banned");
    expect(await codeOf(comment("holly.host"))).toBe("ok");
  });
});
