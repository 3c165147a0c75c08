/** After a removal the text is neither in the log, in notifications nor in the pinned comment. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DurableWriter } from "@ovation/log";
import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import { createRateLimiterOff } from "../../rates/rate-limiter-off.ts";
import { type Harness, membersOf, startHarness } from "../../testing/harness.ts";
import { notifyOfComment } from "./notifications.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

let number = 0;
const post = async (video: string, token: string, text: string, replyTo?: number) =>
  (
    await harness.call("POST", `/v1/videos/${video}/comments`, token, {
      text,
      ...(replyTo === undefined ? {} : { replyTo }),
    })
  ).body.seq;
const remove = (video: string, seq: number, token = "mo.moderator") =>
  harness.call("DELETE", `/v1/videos/${video}/comments/${seq}`, token);

async function stored(topic: Topic): Promise<string> {
  const { events } = await harness.options.log.read(topic, { limit: 500 });
  return events.map(({ type, data }) => `${type} ${data}`).join("\n");
}

/** A video in which `ben`'s comment answers `ana`, names `cy`, and is pinned. */
async function setUp() {
  const video = `r${++number}`;
  const [ana, ben, cy] = [`ana${number}`, `ben${number}`, `cy${number}`];
  await post(video, ana, "a question");
  await post(video, cy, "hello");
  const seq = await post(video, ben, `a secret for @${cy}`, 1);
  await harness.call("PUT", `/v1/videos/${video}/pin`, "mo.moderator", { seq });
  await harness.comments.flush();
  for (const member of [ana, cy])
    expect(await stored(topicOf("member", member))).toContain("a secret");
  return { video, ana, ben, cy, seq };
}

async function expectNowhere({ video, ana, ben, cy }: Awaited<ReturnType<typeof setUp>>) {
  await harness.comments.flush();
  for (const topic of [
    topicOf("video", video),
    ...[ana, ben, cy].map((member) => topicOf("member", member)),
  ])
    expect(await stored(topic)).not.toContain("a secret");
  for (const member of [ana, cy]) {
    const { body } = await harness.call("GET", "/v1/notifications", member);
    expect(JSON.stringify(body)).not.toContain("a secret");
    const told = harness.published.filter(({ topic }) => topic === `member:${member}`);
    expect(told.at(-1)).toMatchObject({ type: "notification-removed", data: '{"seq":1}' });
  }
}

/** The state that a version without links left: notifications, and no row that leads to them. */
async function dropLinks(video: string): Promise<void> {
  const { notices } = membersOf(harness);
  for (const { seq, member } of await notices.list(video, 100))
    await notices.remove(video, seq, member);
}

describe("a removal reaches every copy of the text", () => {
  test("by a moderator: log, notifications, pinned comment; other notifications stay", async () => {
    const all = await setUp();
    const other = await post(all.video, all.ben, "harmless", 1);
    await harness.comments.flush();
    expect((await remove(all.video, all.seq)).status).toBe(200);
    await harness.comments.flush();
    expect((await harness.call("GET", `/v1/videos/${all.video}`)).body.pinned).toBeNull();
    expect(await stored(topicOf("member", all.ana))).toContain("harmless");
    await expectNowhere(all);
    const before = harness.published.length;
    await remove(all.video, all.seq);
    await harness.comments.flush();
    expect(harness.published).toHaveLength(before);
    expect(other).toBeGreaterThan(all.seq);
  });

  test("by the author", async () => {
    const all = await setUp();
    expect((await remove(all.video, all.seq, all.ben)).status).toBe(200);
    await expectNowhere(all);
  });

  test("by the end of the video", async () => {
    const all = await setUp();
    await harness.call("PUT", `/v1/videos/${all.video}`, "h.host", {});
    expect((await harness.call("DELETE", `/v1/videos/${all.video}`, "h.host")).status).toBe(200);
    await expectNowhere(all);
  });

  test("that is committed before the notification is", async () => {
    const video = `early${++number}`;
    const author = { id: "ana", name: "Ana", role: "member" } as const;
    const topic = topicOf("video", video);
    await post(video, "zoe", "first");
    const seq = await post(video, "ana", "a secret");
    await remove(video, seq);
    const { options } = harness;
    const comment = { seq, at: Date.now(), text: "a secret", author };
    const repliedTo = { ...comment, seq: 1, author: { ...author, id: "zoe" } };
    const service = {
      log: options.log,
      clock: options.clock,
      people: { stores: options.members, directory: { ownerOf: () => undefined } },
      writer: new DurableWriter({ log: options.log, publish: () => undefined }),
    };
    await notifyOfComment(service as never, { id: video, topic }, comment, repliedTo);
    const told = await stored(topicOf("member", "zoe"));
    expect(told).toContain("notification-removed");
    expect(told).not.toContain("a secret");
  });

  test("also of a notification with many newer ones", async () => {
    const all = await setUp();
    const filler = { kind: "restored" } as const;
    await harness.options.log.append(
      Array.from({ length: 450 }, () => ({
        topic: topicOf("member", all.ana),
        type: "notification",
        at: Date.now(),
        data: toJsonText(filler),
      })),
    );
    await remove(all.video, all.seq);
    const { events } = await harness.options.log.read(topicOf("member", all.ana), {
      after: 0,
      limit: 5,
    });
    expect(events[0]?.data).not.toContain("a secret");
    expect(events[0]?.data).toContain('"removed":true');
  });

  test("that an earlier version stored without a link to the comment", async () => {
    const all = await setUp();
    await dropLinks(all.video);
    expect((await remove(all.video, all.seq)).status).toBe(200);
    await expectNowhere(all);
  });

  test("without a link, where the notified members' own comments were removed first", async () => {
    const all = await setUp();
    await dropLinks(all.video);
    expect((await remove(all.video, 1)).status).toBe(200);
    expect((await remove(all.video, 2)).status).toBe(200);
    expect((await remove(all.video, all.seq)).status).toBe(200);
    await expectNowhere(all);
  });

  test("without a link, in the topic of a guest and in that of the member it became", async () => {
    const [video, guest, member] = [`g${++number}`, `guest-old${number}`, `new${number}`];
    await post(video, `${guest}.guest`, "a question");
    const seq = await post(video, "ben", "a secret", 1);
    await harness.comments.flush();
    await membersOf(harness).members.claimGuest(guest, member, Date.now());
    const data = {
      kind: "mention",
      video,
      seq,
      from: { id: "ben", name: "BEN" },
      text: "a secret",
    };
    const topic = topicOf("member", member);
    await harness.options.log.append([
      { topic, type: "notification", at: Date.now(), data: toJsonText(data) },
    ]);
    await dropLinks(video);
    expect(await stored(topicOf("member", guest))).toContain("a secret");
    await remove(video, seq);
    for (const id of [guest, member])
      expect(await stored(topicOf("member", id))).not.toContain("a secret");
  });
});
