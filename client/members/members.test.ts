/**
 * Two members on the real server: messages once and in order on every device, receipts, typing,
 * presence, notifications.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { type Client, createClient } from "../mod.ts";
import { createMembers } from "./members.ts";

const SECRET = "a-secret-of-these-tests-only-0123456789-abcdef";

let server: Server;
let directory: string;
const clients: Client[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-members-"));
  await writeFile(join(directory, "policy.yaml"), "messages: members\n");
  server = await Server.start({
    rateLimits: "off",
    flags: ["--policy", join(directory, "policy.yaml"), "--secret", SECRET],
  });
}, 30_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

function tokenOf(id: string, role = "member"): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    sub: id,
    name: id.toUpperCase(),
    role,
    exp: Math.floor(Date.now() / 1000) + 600,
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

function open(id: string, role?: string) {
  const client = createClient({
    url: server.url,
    token: tokenOf(id, role),
    retryMs: { first: 50, longest: 300 },
  });
  clients.push(client);
  const lines: string[] = [];
  const subscribed = new Promise<void>((resolve) => {
    client.subscribe(`member:${id}`, {
      onSubscribed: () => resolve(),
      onReset: () => void lines.push("reset"),
      message: ({ data }) => void lines.push(`message ${data.n} ${data.from.id}`),
      receipt: ({ data }) =>
        void lines.push(`receipt ${data.from.id} ${data.seen}/${data.delivered}`),
      typing: ({ data }) => void lines.push(`typing ${data.from.id} ${data.forMs}`),
      presence: ({ data }) => void lines.push(`presence ${data.member} ${data.online}`),
      notification: ({ data }) => void lines.push(`notification ${data.kind}`),
    });
  });
  return { client, lines, subscribed, members: createMembers(client) };
}

const only = (lines: readonly string[], kind: string) =>
  lines.filter((line) => line.startsWith(kind));

test("each device has each message once and in order, through a kill -9", async () => {
  const [ana, phone, laptop] = [open("ana"), open("ben"), open("ben")];
  await Promise.all([ana.subscribed, phone.subscribed, laptop.subscribed]);
  const conversation = ana.members.conversation("ben");
  for (let n = 1; n <= 60; n++) {
    if (n === 30) {
      await server.kill();
      await server.run();
    }
    expect((await conversation.send(`message ${n}`)).n).toBe(n);
  }
  const expected = Array.from({ length: 60 }, (_, index) => `message ${index + 1} ana`);
  for (const device of [phone, laptop, ana]) {
    await until(() => only(device.lines, "message").length >= 60, "60 messages");
    expect(only(device.lines, "message")).toEqual(expected);
    expect(device.lines).not.toContain("reset");
  }
  const page = await phone.members.conversation("ana").history({ before: 3 });
  expect(page.messages.map(({ text }) => text)).toEqual(["message 1", "message 2"]);
}, 40_000);

test("read receipts reach both members' devices, and clear the unread count", async () => {
  const [cleo, dan, danToo] = [open("cleo"), open("dan"), open("dan")];
  await Promise.all([cleo.subscribed, dan.subscribed, danToo.subscribed]);
  await cleo.members.conversation("dan").send("hello");
  expect(await dan.members.conversations()).toMatchObject({
    unread: 1,
    conversations: [{ with: { id: "cleo" }, unread: 1 }],
  });
  expect(await dan.members.conversation("cleo").receipt({ delivered: 1 })).toEqual({
    seen: 0,
    delivered: 1,
  });
  await dan.members.conversation("cleo").receipt({ seen: 1 });
  for (const { lines } of [cleo, danToo]) {
    await until(() => only(lines, "receipt").length >= 2, "two receipts");
    expect(only(lines, "receipt")).toEqual(["receipt dan 0/1", "receipt dan 1/1"]);
  }
  expect((await danToo.members.conversations()).unread).toBe(0);
});

test("typing is sent at most every three seconds, and its end at once", async () => {
  const [eva, finn] = [open("eva"), open("finn")];
  await Promise.all([eva.subscribed, finn.subscribed]);
  let now = 0;
  const conversation = createMembers(eva.client, () => now).conversation("finn");
  for (; now <= 4_000; now += 1_000) await conversation.typing();
  await conversation.typing(false);
  await conversation.typing(false);
  await until(() => only(finn.lines, "typing").at(-1) === "typing eva 0", "the end of typing");
  // Concurrent ones may arrive as the latest of them.
  expect(only(finn.lines, "typing").length).toBeLessThanOrEqual(3);
});

test("presence, blocks and notifications", async () => {
  const [gus, hana, mia] = [open("gus"), open("hana"), open("mia", "moderator")];
  await Promise.all([gus.subscribed, hana.subscribed, mia.subscribed]);
  const toHana = gus.members.conversation("hana");
  expect(await toHana.presence()).toMatchObject({ online: true });
  const { seq } = await gus.client.video("m").comment("rude");
  await mia.client.video("m").remove(seq, "be kind");
  await until(() => only(gus.lines, "notification").length > 0, "a notification");
  expect(await gus.members.notifications()).toMatchObject({
    notifications: [
      { seq: 1, data: { kind: "comment-removed", video: "m", seq, reason: "be kind" } },
    ],
    head: 1,
  });
  await hana.members.conversation("gus").block();
  expect(await hana.members.blocked()).toMatchObject([{ id: "gus" }]);
  const refused = await toHana.send("hello?").catch(({ code }: { code: string }) => code);
  expect(refused).toBe("forbidden");
  await hana.members.conversation("gus").block(false);
  expect((await toHana.send("hello?")).n).toBe(1);
});
