/** Attacks on a running server, one attempt per test. Tokens: `attempts-tokens.test.ts`. */

import { describe, expect, test } from "bun:test";
import { readEvents } from "../testing/event-reader.ts";
import { until } from "../testing/until.ts";
import { type Reply, serveAttempts } from "./testing/attempts.ts";

const { url, tokenOf, remember, call, codeOf, endWithNoTokenShown } = serveAttempts();

describe("other members' topics", () => {
  test("by connecting", async () => {
    const alice = await tokenOf("alice");
    expect(await codeOf("GET", "/v1/events?topic=member:bob", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("GET", "/v1/events?topic=member:bob")).toEqual([401, "token-missing"]);
    expect(await codeOf("GET", "/v1/events?topic=member:alice&topic=member:bob", alice)).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("GET", "/v1/events?topic=video:board-7", alice)).toEqual([
      403,
      "forbidden",
    ]);
  });

  test("by changing the topics of a connection, also of a leaked one", async () => {
    const [alice, bob] = [await tokenOf("alice"), await tokenOf("bob")];
    const own = await readEvents(`${url()}/v1/events?topic=video:1`, alice);
    const leaked = await readEvents(`${url()}/v1/events?topic=video:1`, bob);
    const put = await call(
      "PUT",
      `/v1/connections/${own.connection.connectionId}/subscriptions`,
      alice,
      {
        topics: ["member:bob", "video:board-7"],
      },
    );
    expect(put.body.results).toEqual({
      "member:bob": { ok: false, error: "forbidden" },
      "video:board-7": { ok: false, error: "forbidden" },
    });
    for (const token of [alice, undefined]) {
      for (const method of ["PUT", "DELETE"]) {
        const answer = await call(
          method,
          `/v1/connections/${leaked.connection.connectionId}/subscriptions`,
          token,
          {
            topics: ["video:2"],
          },
        );
        expect([401, 403, 412]).toContain(answer.status);
      }
    }
    own.close();
    leaked.close();
  });

  test("by the position of another stream", async () => {
    const [alice, bob] = [await tokenOf("alice"), await tokenOf("bob")];
    const bobs = await readEvents(`${url()}/v1/events?topic=member:bob`, bob);
    expect(
      (
        await call("POST", "/v1/members/bob/messages", await tokenOf("carol"), {
          text: "for bob only",
        })
      ).status,
    ).toBe(201);
    await until(() => bobs.messages.some(({ type }) => type === "message"));
    const position = bobs.messages[0]?.lastEventId ?? "";
    bobs.close();
    const alices = await readEvents(
      `${url()}/v1/events?topic=member:alice&last_event_id=${encodeURIComponent(position)}`,
      alice,
    );
    await Bun.sleep(200);
    expect(JSON.stringify(alices.messages)).not.toContain("for bob only");
    expect(Object.keys(alices.connection.topics)).toEqual(["member:alice"]);
    alices.close();
  });

  test("by publishing", async () => {
    const alice = await tokenOf("alice");
    for (const topic of ["member:bob", "member:alice", "video:1", "conversation:x"]) {
      const answer = await call("POST", "/v1/publish", alice, { topic, type: "message", data: {} });
      expect([400, 403]).toContain(answer.status);
    }
    const server = await tokenOf("backend", { claims: { publish: ["video:*"] } });
    expect(
      await codeOf("POST", "/v1/publish", server, {
        topic: "member:bob",
        type: "message",
        data: {},
      }),
    ).toEqual([403, "forbidden"]);
  });

  test("by history and receipts", async () => {
    const alice = await tokenOf("alice");
    await call("POST", "/v1/members/bob/messages", await tokenOf("carol"), { text: "between us" });
    for (const other of ["bob", "carol"]) {
      const answer = await call("GET", `/v1/members/${other}/messages`, alice);
      expect([answer.status, answer.body.messages]).toEqual([200, []]);
      expect(await codeOf("POST", `/v1/members/${other}/receipts`, alice, { seen: 1 })).toEqual([
        404,
        "not-found",
      ]);
    }
    expect(await codeOf("GET", "/v1/videos/board-7/comments", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("GET", "/v1/videos/board-7", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("POST", "/v1/videos/board-7/comments", alice, { text: "x" })).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("POST", "/v1/videos/board-7/likes", undefined, {})).toEqual([
      401,
      "token-missing",
    ]);
    expect((await call("GET", "/v1/videos?limit=200", alice)).text).not.toContain("board-7");
  });

  test("by presence and typing", async () => {
    const guest = (await call("POST", "/v1/guests", undefined, { name: "Gus" })).body as {
      token: string;
    };
    remember(guest.token);
    expect(await codeOf("GET", "/v1/members/bob/presence", guest.token)).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("GET", "/v1/members/bob/presence")).toEqual([401, "token-missing"]);
    expect(await codeOf("POST", "/v1/members/bob/typing", guest.token, {})).toEqual([
      403,
      "forbidden",
    ]);
    const alice = await tokenOf("alice");
    await call("PUT", "/v1/members/alice/block", await tokenOf("dora"));
    expect(await codeOf("GET", "/v1/members/dora/presence", alice)).toEqual([403, "forbidden"]);
  });
});

describe("guests", () => {
  test("the token of an upgraded guest is invalid, and no other member can claim it", async () => {
    const { token } = (await call("POST", "/v1/guests", undefined, { name: "Gina" })).body as {
      token: string;
    };
    remember(token);
    await call("POST", "/v1/videos/up/comments", token, { text: "as a guest" });
    const [gina, eve] = [await tokenOf("gina"), await tokenOf("eve")];
    expect((await call("POST", "/v1/guests/upgrade", gina, { guestToken: token })).status).toBe(
      200,
    );
    expect((await call("POST", "/v1/guests/upgrade", gina, { guestToken: token })).status).toBe(
      200,
    );
    expect(await codeOf("POST", "/v1/guests/upgrade", eve, { guestToken: token })).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("POST", "/v1/guests/upgrade", eve, { guestToken: gina })).toEqual([
      403,
      "forbidden",
    ]);
    for (const [method, path, body] of [
      ["POST", "/v1/videos/up/comments", { text: "again" }],
      ["POST", "/v1/videos/up/likes", {}],
      ["GET", "/v1/videos/up/comments", undefined],
      ["GET", "/v1/notifications", undefined],
    ] as const)
      expect([path, ...(await codeOf(method, path, token, body))]).toEqual([
        path,
        401,
        "token-invalid",
      ]);
    expect(await codeOf("DELETE", "/v1/videos/up/comments/1", eve)).toEqual([403, "forbidden"]);
    expect((await call("DELETE", "/v1/videos/up/comments/1", gina)).status).toBe(200);
  });
});

describe("floods", () => {
  test("of one member: it gets a retry time, and no other member waits", async () => {
    const flooding = await tokenOf("flo");
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        call("POST", "/v1/videos/flood/comments", flooding, { text: `n ${index}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.code).toBe("rate-limited");
    expect(refused?.body.retryAfterMs).toBeNumber();
    expect(
      (await call("POST", "/v1/videos/flood/comments", await tokenOf("calm"), { text: "hello" }))
        .status,
    ).toBe(201);
  });

  test("of one address: another one is not held to it", async () => {
    const like = (address: string) =>
      call("POST", "/v1/videos/flood/likes", undefined, {}, address);
    const answers: Reply[] = [];
    for (let round = 0; round < 12; round++)
      answers.push(...(await Promise.all(Array.from({ length: 100 }, () => like("203.0.113.7")))));
    expect(answers.some(({ status }) => status === 429)).toBe(true);
    expect((await like("203.0.113.8")).status).toBe(202);
    expect((await like("203.0.113.7, 203.0.113.9")).status).toBe(202);
  });

  test("of guests: an address gets some hundred, not ten thousand", async () => {
    const ask = () => call("POST", "/v1/guests", undefined, { name: "Flood" }, "203.0.113.50");
    const answers = (
      await Promise.all(
        Array.from({ length: 4 }, async () => Array.fromAsync(Array.from({ length: 100 }, ask))),
      )
    ).flat();
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeLessThan(300);
    expect(answers.some(({ code }) => code === "rate-limited")).toBe(true);
    // What they may do together is what their address may do.
    const tokens = made.slice(0, 100).map(({ body }) => String(body.token));
    const posts: Reply[] = [];
    for (let round = 0; round < 5; round++) {
      posts.push(
        ...(await Promise.all(
          tokens.map((token) =>
            call(
              "POST",
              "/v1/videos/guests/comments",
              token,
              { text: `r ${round}` },
              "203.0.113.50",
            ),
          ),
        )),
      );
    }
    expect(posts.some(({ status }) => status === 429)).toBe(true);
    expect(
      (
        await call(
          "POST",
          "/v1/videos/guests/comments",
          await tokenOf("calm2"),
          { text: "hello" },
          "203.0.113.51",
        )
      ).status,
    ).toBe(201);
  }, 20_000);
});

endWithNoTokenShown();
