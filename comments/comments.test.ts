import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isDurable } from "@ovation/protocol";
import { createRateLimiterOff } from "./rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "./testing/harness.ts";

let harness: Harness;
let videos = 0;

beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

/** A video of its own for each test. */
function newVideo(): string {
  return `v${++videos}`;
}

async function post(video: string, text: string, token = "ana", extra: object = {}) {
  return harness.call("POST", `/v1/videos/${video}/comments`, token, { text, ...extra });
}

describe("posting", () => {
  test("a comment is answered with its place, then published with the same data", async () => {
    const video = newVideo();
    const answer = await post(video, "  Hello\nthere 👋  ", "ana", { clientId: "c-1" });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual<unknown>({
      seq: 1,
      at: expect.any(Number),
      text: "Hello there 👋",
      author: { id: "ana", name: "ANA", role: "member" },
      clientId: "c-1",
    });
    await harness.comments.flush();
    const event = harness.published.find(
      (each) => each.topic === `video:${video}` && each.type === "comment",
    );
    expect(event?.place?.seq).toBe(1);
    const { seq: _seq, at, ...data } = answer.body;
    expect(event?.at).toBe(at);
    expect(JSON.parse(event?.data ?? "null")).toEqual(data);
  });

  test("the same clientId gets the same answer, and another text with it is refused", async () => {
    const video = newVideo();
    const first = await post(video, "once", "ana", { clientId: "same" });
    const second = await post(video, "once", "ana", { clientId: "same" });
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
    const other = await post(video, "twice", "ana", { clientId: "same" });
    expect([other.status, other.body.code]).toEqual([409, "key-reused"]);
    expect((await post(video, "mine", "ben", { clientId: "same" })).body.seq).toBe(2);
    await harness.comments.flush();
    expect(
      harness.published.filter(
        (event) => event.topic === `video:${video}` && event.type === "comment",
      ),
    ).toHaveLength(2);
  });

  test("concurrent comments are numbered without holes and published in order", async () => {
    const video = newVideo();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => post(video, `n ${index}`, `m${index % 7}`)),
    );
    const seqs = answers.map(({ body }) => body.seq as number).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    await harness.comments.flush();
    const published = harness.published
      .filter((event) => event.topic === `video:${video}`)
      .filter(isDurable);
    expect(published.map(({ place }) => place.seq)).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
  });

  test("what is not a comment is refused with its code, and nothing is stored", async () => {
    const video = newVideo();
    const path = `/v1/videos/${video}/comments`;
    const attempts: [unknown, number, string][] = [
      ["{", 400, "invalid-json"],
      ["", 400, "invalid-json"],
      ['{"text":"a\\ud800"}', 400, "invalid-text"],
      [{ text: "a\0b" }, 400, "invalid-text"],
      [{ text: "a\u001bb" }, 400, "invalid-text"],
      [{ text: " \n\u200b " }, 400, "text-empty"],
      [{ text: "" }, 400, "text-empty"],
      [{ text: "👋".repeat(201) }, 400, "text-too-long"],
      [{ text: 5 }, 400, "invalid-body"],
      [{}, 400, "invalid-body"],
      [[], 400, "invalid-body"],
      [null, 400, "invalid-body"],
      [{ text: "a", clientID: "typo" }, 400, "invalid-body"],
      [{ text: "a", clientId: "a b" }, 400, "invalid-body"],
      [{ text: "a", clientId: "a\nb" }, 400, "invalid-body"],
      [{ text: "a", replyTo: -1 }, 400, "invalid-body"],
      [{ text: "a", replyTo: 99 }, 404, "unknown-comment"],
      [{ text: "a".repeat(5_000) }, 413, "body-too-large"],
    ];
    for (const [body, status, code] of attempts) {
      const answer = await harness.call("POST", path, "ana", body);
      expect([answer.status, answer.body.code, body]).toEqual([status, code, body]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
    }
    expect((await harness.call("POST", path, undefined, { text: "a" })).body.code).toBe(
      "token-missing",
    );
    expect((await harness.call("POST", path, "forged", { text: "a" })).body.code).toBe(
      "token-invalid",
    );
    expect(
      (await harness.call("POST", "/v1/videos/a%0Ab/comments", "ana", { text: "a" })).body.code,
    ).toBe("invalid-id");
    expect((await harness.call("GET", path)).body).toEqual<unknown>({ comments: [], head: 0 });
  });

  test("a body without a length is cut off at the limit", async () => {
    const endless = new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(1_024).fill(32));
        await Bun.sleep(1);
      },
    });
    const response = await fetch(`${harness.url}/v1/videos/x/comments`, {
      method: "POST",
      headers: { authorization: "Bearer ana" },
      body: endless,
    });
    expect(response.status).toBe(413);
  });

  test("200 code points are allowed, however many units they take", async () => {
    expect((await post(newVideo(), "👋".repeat(200))).status).toBe(201);
  });
});

describe("history", () => {
  test("pages are ascending: the latest, those before, those after", async () => {
    const video = newVideo();
    for (let index = 1; index <= 12; index++) await post(video, `n${index}`);
    const seqs = async (query: string) =>
      (await harness.call("GET", `/v1/videos/${video}/comments${query}`)).body.comments.map(
        ({ seq }: { seq: number }) => seq,
      );
    expect(await seqs("?limit=3")).toEqual([10, 11, 12]);
    expect(await seqs("?limit=3&before=10")).toEqual([7, 8, 9]);
    expect(await seqs("?limit=3&after=4")).toEqual([5, 6, 7]);
    expect(await seqs("?after=12")).toEqual([]);
    expect(await seqs("?limit=100000")).toHaveLength(12);
    for (const bad of [
      "?limit=0",
      "?limit=-1",
      "?limit=a",
      "?after=1.5",
      "?before=",
      "?after=1&before=2",
    ]) {
      const answer = await harness.call("GET", `/v1/videos/${video}/comments${bad}`);
      expect([bad, answer.status, answer.body.code]).toEqual([bad, 400, "invalid-parameter"]);
    }
  });

  test("removed comments do not shorten a page, and their text is nowhere any more", async () => {
    const video = newVideo();
    for (let index = 1; index <= 10; index++) await post(video, `n${index}`);
    for (const seq of [8, 9, 10]) {
      const answer = await harness.call(
        "DELETE",
        `/v1/videos/${video}/comments/${seq}`,
        "mo.moderator",
        { reason: "spam" },
      );
      expect([answer.status, answer.body]).toEqual<unknown>([200, { seq }]);
    }
    const page = await harness.call("GET", `/v1/videos/${video}/comments?limit=5`);
    expect(page.body.comments.map(({ seq }: { seq: number }) => seq)).toEqual([3, 4, 5, 6, 7]);
    expect(page.body.head).toBe(13);
    const log = await harness.options.log.read(harness.published[0]?.topic ?? ("" as never), {
      limit: 1,
    });
    expect(log).toBeDefined();
    const all = await harness.options.log.read(`video:${video}` as never, { limit: 100 });
    expect(all.events.map(({ data }) => data).join()).not.toContain('"n9"');
    expect(all.events.find(({ place }) => place.seq === 9)?.data).toContain('"removed":true');
  });

  test("an author finds the comment just posted, however many read", async () => {
    const video = newVideo();
    for (let round = 1; round <= 5; round++) {
      const readers = Array.from({ length: 50 }, () =>
        harness.call("GET", `/v1/videos/${video}/comments`),
      );
      const { body } = await post(video, `round ${round}`);
      const page = await harness.call("GET", `/v1/videos/${video}/comments`);
      expect(page.body.comments.at(-1)?.seq).toBe(body.seq);
      await Promise.all(readers);
    }
  });
});

describe("removing and pinning", () => {
  test("author, moderator and host may remove, others may not, twice is once", async () => {
    const video = newVideo();
    for (const author of ["ana", "ana", "ana"]) await post(video, "x", author);
    const path = (seq: number) => `/v1/videos/${video}/comments/${seq}`;
    expect((await harness.call("DELETE", path(1), "ben")).body.code).toBe("forbidden");
    expect((await harness.call("DELETE", path(1))).body.code).toBe("token-missing");
    expect((await harness.call("DELETE", path(1), "ana")).status).toBe(200);
    expect((await harness.call("DELETE", path(1), "ana")).status).toBe(200);
    expect((await harness.call("DELETE", path(2), "hana.host")).status).toBe(200);
    const both = await Promise.all([
      harness.call("DELETE", path(3), "mo.moderator"),
      harness.call("DELETE", path(3), "mia.moderator"),
    ]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect((await harness.call("DELETE", path(77), "hana.host")).body.code).toBe("unknown-comment");
    expect(
      (await harness.call("DELETE", `/v1/videos/${video}/comments/one`, "hana.host")).body.code,
    ).toBe("invalid-id");
    await harness.comments.flush();
    const removals = harness.published.filter(
      (event) => event.topic === `video:${video}` && event.type === "comment-removed",
    );
    expect(removals.map(({ data }) => JSON.parse(data).seq)).toEqual([1, 2, 3]);
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.comments).toBe<unknown>(0);
  });

  test("a pin is durable, follows its comment, and goes with it", async () => {
    const video = newVideo();
    await post(video, "pin me");
    const path = `/v1/videos/${video}/pin`;
    expect((await harness.call("PUT", path, "ana", { seq: 1 })).body.code).toBe("forbidden");
    expect((await harness.call("PUT", path, "mo.moderator", { seq: 9 })).body.code).toBe(
      "unknown-comment",
    );
    expect((await harness.call("PUT", path, "mo.moderator", { seq: 1 })).status).toBe(200);
    expect((await harness.call("PUT", path, "mo.moderator", { seq: 1 })).status).toBe(200);
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.pinned).toMatchObject({
      seq: 1,
      text: "pin me",
    });
    await harness.call("DELETE", `/v1/videos/${video}/comments/1`, "ana");
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.pinned).toBeNull();
    await harness.comments.flush();
    const pins = harness.published.filter(
      (event) => event.topic === `video:${video}` && event.type === "pin",
    );
    expect(pins.map(({ data }) => data as string)).toEqual(['{"seq":1}', '{"seq":null}']);
  });
});
describe("guests", () => {
  test("a name becomes a token that may comment", async () => {
    const guest = await harness.call("POST", "/v1/guests", undefined, { name: " Ana  María " });
    expect([guest.status, guest.body.member.name]).toEqual([201, "Ana María"]);
    expect((await post(newVideo(), "hi", guest.body.token)).body.author.role).toBe("guest");
    for (const [name, code] of [
      ["", "text-empty"],
      ["a\u202eb", "invalid-text"],
      ["a".repeat(41), "text-too-long"],
    ]) {
      expect(
        (await harness.call("POST", "/v1/guests", undefined, { name })).body.code,
      ).toBe<unknown>(code);
    }
  });
});
