/** Two members on the whole server, each with a stream: what one does, the other sees. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { signToken } from "../ovation/tokens/signer.ts";
import { type EventReader, readEvents } from "../testing/event-reader.ts";
import { Server } from "../testing/server.ts";
import { until } from "../testing/until.ts";

const SECRET = "a secret for two members, long enough";
const WAIT_MS_MAX = 5_000;
let server: Server;

beforeAll(async () => {
  server = await Server.start({
    flags: ["--secret", SECRET, "--policy", "{directory}/policy.yaml", "--log-level", "warn"],
    files: {
      "policy.yaml": "messages: members\n",
    },
  });
}, 30_000);
afterAll(() => server.stop());

async function post(path: string, token: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as Record<string, unknown>;
}

/** The `data` of the first event of this type, waited for. */
async function seen(reader: EventReader, type: string): Promise<Record<string, unknown>> {
  const find = () => reader.messages.find((each) => each.type === type)?.data;
  const data = await until(find, `an event ${type}`, WAIT_MS_MAX);
  return (JSON.parse(data ?? "") as { data: Record<string, unknown> }).data;
}

test("message, typing, receipt, answer and presence reach the other's stream", async () => {
  const [ana, ben] = await Promise.all(
    ["ana", "ben"].map((sub) => signToken(SECRET, { sub, name: sub }, 600)),
  );
  if (ana === undefined || ben === undefined) throw new Error("no tokens");
  // Sent while Ben is not connected: it is in his history, and the newest number shows it.
  await post("/v1/members/ben/messages", ana, { text: "are you there?", clientId: "1" });

  const anas = await readEvents(`${server.url}/v1/events?topic=video:talk`, ana);
  expect(anas.connection.topics["member:ana"]).toMatchObject({ head: 1 });
  const bens = await readEvents(`${server.url}/v1/events?topic=video:talk`, ben);
  expect(bens.connection.topics["member:ben"]).toMatchObject({ head: 1 });
  expect(await seen(anas, "presence")).toMatchObject({ member: "ben", online: true });

  await post("/v1/members/ana/typing", ben, {});
  expect(await seen(anas, "typing")).toEqual({ from: { id: "ben", name: "ben" }, forMs: 6_000 });
  await post("/v1/members/ana/messages", ben, { text: "yes" });
  expect(await seen(anas, "message")).toMatchObject({
    n: 2,
    text: "yes",
    from: { id: "ben" },
    to: { id: "ana" },
  });
  expect(await seen(bens, "message")).toMatchObject({ n: 2 });
  await post("/v1/members/ben/receipts", ana, { seen: 2 });
  expect(await seen(bens, "receipt")).toMatchObject({ from: { id: "ana" }, seen: 2 });

  const comment = await post("/v1/videos/talk/comments", ana, { text: "what a talk" });
  await post("/v1/videos/talk/comments", ben, { text: "indeed", replyTo: comment.seq });
  expect(await seen(anas, "notification")).toMatchObject({
    kind: "reply",
    video: "talk",
    seq: 2,
    from: { id: "ben" },
    text: "indeed",
  });
  anas.close();
  bens.close();
}, 20_000);

test("a like comes with the exact total, and a removal with the comment's number", async () => {
  const mona = await signToken(SECRET, { sub: "mona", role: "moderator" }, 600);
  const reader = await readEvents(`${server.url}/v1/events?topic=video:likes`);
  await Promise.all(
    Array.from({ length: 20 }, () =>
      post("/v1/videos/likes/likes", mona, { kind: "love", count: 2 }),
    ),
  );
  const isTotal = ({ type, data }: { type: string; data: string }) =>
    type === "likes" && data.includes('"love":40}');
  await until(() => reader.messages.some(isTotal), "the total of all likes", WAIT_MS_MAX);
  const likes = reader.messages
    .filter(({ type }) => type === "likes")
    .map(({ data }) => JSON.parse(data).data);
  expect(likes.at(-1)?.total).toEqual({ love: 40 });
  expect(likes.reduce((sum, each) => sum + each.love, 0)).toBe(40);
  const { seq } = await post("/v1/videos/likes/comments", mona, { text: "gone soon" });
  await fetch(`${server.url}/v1/videos/likes/comments/${seq}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${mona}` },
  });
  expect(await seen(reader, "comment-removed")).toEqual({ seq });
  reader.close();
}, 20_000);
