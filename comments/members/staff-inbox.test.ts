/** A moderator who has done nothing but connect, on a real server: members can write to them. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SignJWT } from "jose";
import { readEvents } from "../../testing/event-reader.ts";
import { Server } from "../../testing/server.ts";
import { until, untilAccepted } from "../../testing/until.ts";

const SECRET = "the installation's own secret, long enough";
const FOUND_MS_MAX = 5_000;

let server: Server;
let policy: string;
beforeAll(async () => {
  policy = join(mkdtempSync(join(tmpdir(), "ovation-staff-")), "policy.yaml");
  writeFileSync(policy, "staff: [listed]\n");
  server = await Server.start({ flags: ["--secret", SECRET, "--policy", policy] });
}, 30_000);
afterAll(async () => {
  await server.stop();
  rmSync(dirname(policy), { recursive: true });
});

const tokenOf = (sub: string, role: string) =>
  new SignJWT({ sub, name: sub, role })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));

async function write(from: string, to: string): Promise<number> {
  const response = await fetch(`${server.url}/v1/members/${to}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${from}` },
    body: JSON.stringify({ text: "help" }),
  });
  return response.status;
}

test("a message to a moderator who has only opened a stream arrives there", async () => {
  const [ana, mo] = await Promise.all([tokenOf("ana", "member"), tokenOf("mo", "moderator")]);
  expect(await write(ana, "mo")).toBe(403);
  const stream = await readEvents(`${server.url}/v1/events?topic=video:1`, mo);
  const isFound = (status: number) => status !== 403;
  expect(await untilAccepted(() => write(ana, "mo"), isFound, "mo is found", FOUND_MS_MAX)).toBe(
    201,
  );
  await until(() => stream.messages.some(({ type }) => type === "message"));
  expect(stream.messages.filter(({ type }) => type === "message")).toHaveLength(1);
  stream.close();
  // Under `messages: staff` no member may write to one that has only connected.
  const other = await readEvents(
    `${server.url}/v1/events?topic=video:1`,
    await tokenOf("cy", "member"),
  );
  expect(await write(ana, "cy")).toBe(403);
  other.close();
}, 20_000);

test("a member writes to staff that only the policy names, and they read it", async () => {
  const [ana, mo] = await Promise.all([tokenOf("ana", "member"), tokenOf("mod", "moderator")]);
  expect(await write(ana, "unlisted")).toBe(403);
  expect(await write(ana, "listed")).toBe(201);
  // It is as staff to moderators, too.
  const ban = await fetch(`${server.url}/v1/members/listed/sanction`, {
    method: "PUT",
    headers: { authorization: `Bearer ${mo}` },
    body: JSON.stringify({ kind: "ban" }),
  });
  expect(ban.status).toBe(403);
  const answer = await fetch(`${server.url}/v1/conversations`, {
    headers: { authorization: `Bearer ${await tokenOf("listed", "moderator")}` },
  });
  expect(await answer.json()).toMatchObject({
    unread: 1,
    conversations: [{ with: { id: "ana" }, last: { text: "help" } }],
  });
});
