/** A moderator who has done nothing but connect, on a real server: members can write to them. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { SignJWT } from "jose";
import { readEvents } from "./testing/event-reader.ts";
import { type RunningOvation, startOvation } from "./testing/start-ovation.ts";

const SECRET = "the installation's own secret, long enough";
const FOUND_MS_MAX = 5_000;

let server: RunningOvation;
beforeAll(async () => {
  server = await startOvation(["--secret", SECRET]);
}, 30_000);
afterAll(() => server.stop());

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

test("a member writes to a moderator who has only opened a stream, and it arrives there", async () => {
  const [ana, mo] = await Promise.all([tokenOf("ana", "member"), tokenOf("mo", "moderator")]);
  expect(await write(ana, "mo")).toBe(403);
  const stream = await readEvents(`${server.url}/v1/events?topic=video:1`, mo);
  const until = Date.now() + FOUND_MS_MAX;
  let status = await write(ana, "mo");
  while (status === 403 && Date.now() < until) {
    await Bun.sleep(50);
    status = await write(ana, "mo");
  }
  expect(status).toBe(201);
  while (!stream.messages.some(({ type }) => type === "message") && Date.now() < until)
    await Bun.sleep(20);
  expect(stream.messages.filter(({ type }) => type === "message")).toHaveLength(1);
  stream.close();
  // A member who has only connected is still nobody's to write to under `messages: staff`.
  const other = await readEvents(
    `${server.url}/v1/events?topic=video:1`,
    await tokenOf("cy", "member"),
  );
  expect(await write(ana, "cy")).toBe(403);
  other.close();
}, 20_000);
